/** As whom the client logs in: a password, since it is what costs the servers least. */
export const account = { username: 'bench', password: 'of this run alone' } as const
