// The complete public surface of @palimpsest/transcripts.

export { bytesTranscript } from './bytes-transcript.ts'
export { claudeCodeReader } from './claude-code/reader.ts'
export { claudeCodeConfigFolder, claudeCodeSessionFolders } from './claude-code/session-folders.ts'
export { codexHomeFolder, codexSessionFolders } from './codex/locations.ts'
export { codexReader } from './codex/reader.ts'
export { copilotFolder, copilotSessionFolders } from './copilot/locations.ts'
export { copilotReader } from './copilot/reader.ts'
export { fileTranscript } from './files/file-transcript.ts'
export { nodeTranscriptFiles } from './files/node-transcript-files.ts'
export { geminiDocument, isGeminiDocumentName } from './gemini/document.ts'
export { geminiFolder, geminiProjectName, geminiSessionFolders } from './gemini/locations.ts'
export { geminiReader } from './gemini/reader.ts'
export { type MessagesOptions, messageEntryIds, messagesIn, messagesTranscript } from './messages/origin.ts'
export { messagesReader } from './messages/reader.ts'
export { openCodeDataFolder, openCodeNamedDatabase, openCodeSessionFolders } from './opencode/locations.ts'
export {
  isOpenCodeDatabaseName,
  isOpenCodeSessionFile,
  type OpenCodeSessionPath,
  openCodeDatabaseFiles,
  openCodeSessions,
  openCodeTranscript,
} from './opencode/origin.ts'
export { openCodeReader } from './opencode/reader.ts'
export { openClawSessionFolders, openClawStateFolder, piAgentFolder, piSessionFolders } from './pi/locations.ts'
export { openClawReader, piReader } from './pi/reader.ts'
export { loadSqlite, withoutSqliteWarning } from './sqlite.ts'
