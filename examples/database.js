// Asks a PostgreSQL that only the SSH server reaches. The user, password and database are in the variables that psql knows.
//
//   SSH_PASSWORD=… PGUSER=… PGPASSWORD=… PGDATABASE=… node examples/database.js user@host database-host:port [query]
import process from 'node:process'
import { connect } from 'holdfast'
import { Client } from 'pg'

const [target = 'localhost', address = 'localhost:5432', query = 'select version()'] = process.argv.slice(2)
const { hostname: host, port } = new URL(`postgres://${address}`)

const ssh = await connect(target, { password: process.env['SSH_PASSWORD'] })
try {
  // It ends when the database does, as the client expects of a socket.
  const tunnel = await ssh.connectTo({ host, port: Number(port) || 5432 }, { allowHalfOpen: false })
  const database = new Client({ host, stream: () => tunnel })
  // A connection that is lost while nothing is asked is an event, and ends the program where nobody listens.
  database.on('error', (error) => console.error(error.message))
  await database.connect()
  const { rows } = await database.query(query)
  console.table(rows)
  await database.end()
} finally {
  await ssh.close()
}
