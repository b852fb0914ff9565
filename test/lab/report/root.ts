/** The repository, from build/test/lab/report. */
export const root = new URL('../../../../', import.meta.url)
