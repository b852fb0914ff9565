/** Finds `cat`, `sleep`, `mkfifo` where POSIX systems keep them, whatever PATH the tests were started with. */
export function findPosixTools(): void {
  if (process.platform !== 'win32') process.env['PATH'] = `${process.env['PATH'] ?? ''}:/usr/local/bin:/usr/bin:/bin`
}
