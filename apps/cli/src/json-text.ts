/**
 * One JSON value in ASCII-safe form for terminals: what `printable` removes is escaped as `\uXXXX`, so that nothing is lost for programs and
 * nothing steers a terminal. `indent` sets it out for people.
 */
export function jsonText(value: unknown, options?: { readonly indent?: boolean }): string {
  const text = JSON.stringify(value, undefined, options?.indent === true ? 2 : undefined)
  return text.replace(rawControls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// JSON.stringify escapes C0 but leaves DEL, C1 and bidirectional controls raw; outside of strings JSON has none of them.
const rawControls = /[\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
