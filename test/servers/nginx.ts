import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Availability, preparation, requireAvailable } from './availability.js'
import { makeCertificate } from './certificate.js'
import { type Daemon, makeDaemonPlace, startDaemon } from './daemon.js'
import { freePort } from './port.js'
import { requireTools } from './tools.js'
import { type PackageSet, unpackedRoot, unpackPackages } from './unpack.js'
import { prepareLogins } from './users.js'

export interface NginxServer extends Daemon {
  /** Where it speaks HTTPS. */
  readonly securePort: number
  /** The certificate that it shows there, for `localhost`, in PEM. */
  readonly certificate: string
}

const packages: PackageSet = { name: 'nginx-1.22', suite: 'bookworm', packages: ['nginx'], baseline: 'machine' }
/** What it would else keep below /var. */
const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/** Unpacks an nginx: slow the first time, so call it before a test's clock runs. */
export const prepareNginx: () => Promise<Availability> = preparation(async () => {
  await requireTools(['openssl', 'ssh-keygen'])
  await unpackPackages(packages)
  await prepareLogins()
})

/** Starts an nginx that serves these files by their names, over HTTP and HTTPS, and ends connections that idle for 2 s. */
export async function startNginx(files: Readonly<Record<string, string>>): Promise<NginxServer> {
  requireAvailable(await prepareNginx())
  const place = await makeDaemonPlace(unpackedRoot(packages))
  const { certificate, privateKey } = await makeCertificate()
  const served = join(place.directory, 'www')
  await mkdir(served)
  for (const [name, text] of Object.entries(files)) await place.write(join('www', name), text)
  const securePort = await freePort()
  const configuration = `
daemon off;
error_log stderr;
pid ${place.directory}/pid;
events {}
http {
  access_log off;
  keepalive_timeout 2;
  ${temporary.map((name) => `${name}_temp_path ${place.directory}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${place.port};
    listen 127.0.0.1:${securePort} ssl;
    ssl_certificate ${await place.write('certificate.pem', certificate)};
    ssl_certificate_key ${await place.write('key.pem', privateKey)};
    root ${served};
  }
}
`
  const daemon = await startDaemon(place, {
    command: 'usr/sbin/nginx',
    args: ['-e', 'stderr', '-p', place.directory, '-c', await place.write('nginx.conf', configuration)],
  })
  return { ...daemon, securePort, certificate }
}
