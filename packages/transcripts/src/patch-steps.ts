import type { EntryStep } from '@palimpsest/core'

// The patches of Codex's apply_patch, which OpenCode and Copilot have taken over: `*** Begin Patch`, then for each file `*** Add File: path` with lines
// that begin with +, `*** Update File: path` with hunks of lines that begin with a space, - or +, or `*** Delete File: path`; `*** End Patch`.

/** Whether a text is such a patch, or a command line that holds one. */
export function isPatch(text: string): boolean {
  return text.includes('*** Begin Patch')
}

/** What a patch does, file by file and hunk by hunk. A text that is none gives nothing. */
export function patchSteps(patch: string, callId: string | undefined): readonly EntryStep[] {
  const steps: EntryStep[] = []
  const call = callId === undefined ? {} : { callId }
  let file: { readonly path: string; readonly is: 'Add' | 'Update' | 'Delete' } | undefined
  let before: string[] = []
  let after: string[] = []
  let touched = false
  const endHunk = (): void => {
    if (file?.is === 'Update' && before.length > 0) {
      steps.push({ did: 'replaced', ...call, path: file.path, before: before.join('\n'), after: after.join('\n') })
      touched = true
    } else if (file?.is === 'Update' && after.length > 0) {
      steps.push({ did: 'wrote', ...call, path: file.path, after: after.join('\n') })
      touched = true
    }
    if (file?.is !== 'Add') after = []
    before = []
  }
  const endFile = (): void => {
    endHunk()
    if (file !== undefined && !touched)
      steps.push({ did: 'wrote', ...call, path: file.path, ...(after.length > 0 ? { after: after.join('\n') } : {}) })
    file = undefined
    after = []
    touched = false
  }
  for (const line of patch.split('\n')) {
    const [, is, path] = /^\*\*\* (Add|Update|Delete) File: (.{1,1000})$/.exec(line) ?? []
    if (path !== undefined && (is === 'Add' || is === 'Update' || is === 'Delete')) {
      endFile()
      file = { is, path: path.trim() }
    } else if (line.startsWith('*** End Patch')) endFile()
    else if (line.startsWith('-')) before.push(line.slice(1))
    else if (line.startsWith('+')) after.push(line.slice(1))
    else endHunk()
  }
  endFile()
  return steps
}
