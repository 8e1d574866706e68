/** The session of a prepared store that has 25 checkpoints; every other has one. */
export const richSessionKey = 'rich'
