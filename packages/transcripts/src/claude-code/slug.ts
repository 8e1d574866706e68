const maxSlugLength = 200

/**
 * The name of a project's folder: every character of its path but `A-Z a-z 0-9` becomes `-`; over 200 characters the first 200, `-` and a hash of
 * the path in base 36. Characters are UTF-16 code units. It can't be turned back: read `cwd` from the lines instead.
 */
export function projectSlug(path: string): string {
  const slug = path.replace(/[^A-Za-z0-9]/g, '-')
  return slug.length <= maxSlugLength ? slug : `${slug.slice(0, maxSlugLength)}-${Math.abs(hashOf(path)).toString(36)}`
}

function hashOf(path: string): number {
  let hash = 0
  for (let at = 0; at < path.length; at++) hash = (Math.imul(hash, 31) + path.charCodeAt(at)) | 0
  return hash
}
