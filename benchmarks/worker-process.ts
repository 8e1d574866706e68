/** A long-lived child of the benchmark: carries out the tasks of the module that its first argument names, one at a time. */
const modulePath = process.argv[2]
if (modulePath === undefined || process.send === undefined) throw new TypeError('this is started by run.ts')

const tasks: Record<string, (input: unknown) => unknown> = (await import(modulePath)).tasks

process.on('message', (message) => {
  const { id, name, input } = JSON.parse(String(message))
  void carryOut(name, input).then((reply) => process.send?.(JSON.stringify({ id, ...reply })))
})
process.on('disconnect', () => process.exit(0))
process.send(JSON.stringify({ id: 0, value: null }))

async function carryOut(name: string, input: unknown): Promise<{ value: unknown } | { error: string }> {
  try {
    const task = tasks[name]
    if (task === undefined) throw new TypeError(`there is no task ${name}`)
    return { value: (await task(input)) ?? null }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
