import assert from 'node:assert/strict'
import type { Machine } from './machine.js'

/** What systemd does for each of these settings of the page's unit, in lines of sh before the program is run. */
const protections: Readonly<Record<string, string>> = {
  'ProtectSystem=strict': 'for mount in / /etc /opt /srv /usr /var; do mount -o remount,bind,ro $mount; done',
  'ProtectHome=yes': 'for home in /root /home; do [ ! -d $home ] || mount -t tmpfs -o ro tmpfs $home; done',
  'PrivateTmp=yes': 'mount -t tmpfs tmpfs /tmp',
}
const others = ['User=deploy', 'NoNewPrivileges=yes', 'Restart=on-failure']

/** The lines of [Service], of a unit and what is dropped in. */
export function serviceLines(...files: readonly string[]): readonly string[] {
  return files.flatMap((file) => {
    const [, section = ''] = /^\[Service\]\n([^[]*)/m.exec(file) ?? []
    return section.split('\n').filter((line) => line !== '')
  })
}

/** Starts the program as systemd does, which takes systemd to be running: in the unit's environment alone, as a user without
 * rights, behind its protections. */
export function runService(machine: Machine, lines: readonly string[], variables: Readonly<Record<string, string>>) {
  const command = lines.find((line) => line.startsWith('ExecStart='))?.slice('ExecStart='.length) ?? ''
  const assignments = lines
    .filter((line) => line.startsWith('Environment='))
    .map((line) => line.slice('Environment='.length))
  const protecting = lines.flatMap((line) => protections[line] ?? [])
  const known = [...Object.keys(protections), ...others]
  for (const line of lines) assert.ok(known.includes(line) || /^(ExecStart|Environment)=/.test(line), line)
  const own = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  return machine.shell(`exec unshare --mount sh -ec '${protecting.join('\n')}
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs env -i ${[...assignments, ...own].join(' ')} ${command}'`)
}
