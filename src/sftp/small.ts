/** A file of at most so many bytes goes by one request; what waits here of all that are under way at a time stays small. */
export const smallBytes = 64 * 1024
