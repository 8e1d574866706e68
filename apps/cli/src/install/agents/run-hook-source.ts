/** JavaScript for files that run inside an agent: `runHook(words, input)` runs a hook, waits at most 55 s for it, and never fails. It needs `spawn`. */
export const runHookSource = `function runHook([program, ...words], input) {
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: ['pipe', 'ignore', 'ignore'], timeout: 55_000, killSignal: 'SIGKILL' })
    child.on('error', resolve)
    child.on('close', resolve)
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}
`
