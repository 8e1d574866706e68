/** Whether a name can be a sidecar's: segments of `[A-Za-z0-9._-]+` joined by `/`, none of them `.` or `..`, and not `main`. */
export function isSidecarName(name: string): boolean {
  return name !== 'main' && name.split('/').every(isSegment)
}

/** Whether a name can be that of one file in a folder. */
export function isSegment(name: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(name) && name !== '.' && name !== '..'
}
