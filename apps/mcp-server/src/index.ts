// The complete public surface of @palimpsest/mcp-server. Whatever is named here is public API, so name it one by one.

export type { CallingSession, Tool, ToolAnnotations, ToolAnswer, ToolContext, ToolListing, ToolRegistry, ToolResult } from './registry.ts'
export { type CheckpointHost, type McpServerOptions, mcpServerVersion, runMcpServer } from './run-mcp-server.ts'
export type { CheckpointsSource, ScopeName } from './scope.ts'
export { createToolRegistry, type ToolRegistryOptions } from './tools.ts'
