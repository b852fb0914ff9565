/**
 * A file of at most so many bytes goes by one request, which every server takes, with a byte more to see that it ends there; and
 * what waits here of all that are under way at a time stays small.
 */
export const smallBytes = 32 * 1024 - 1
