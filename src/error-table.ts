/** Codes of `node:fs`, for what they say of a file on a server too. */
type FileErrorCode = 'ENOENT' | 'EACCES' | 'ENOTSUP'

/**
 * Every code that an error of this library can carry, with what it means and what to do about it.
 * The page of errors in the documentation is made from this table.
 */
export const errorTable = {
  ERR_SSH_OPTION: {
    meaning: 'An option or argument is wrong. Nothing was sent.',
    hint: 'correct the option that the message names',
  },
  ERR_SSH_CONFIG: {
    meaning:
      'The option `config` was given and ssh_config says nothing that could be used; the text has what ssh says.',
    hint: 'run `ssh -G` with the same host to see it, and correct the file',
  },
  ERR_SSH_POLICY: {
    meaning:
      'A policy file or a variable HOLDFAST_… is wrong or cannot be read, or the program asks for what a policy does not allow.',
    hint: 'correct what the message names: until then no program that it is for connects, so that no limit vanishes unseen',
  },
  ERR_SSH_DNS: {
    meaning: 'The host name could not be resolved.',
    hint: 'check the name and the resolver of this machine',
  },
  ERR_SSH_CONNECT: {
    meaning: 'No address of the host accepted a TCP connection.',
    hint: 'check host, port, and any firewall between; the message lists each address tried',
  },
  ERR_SSH_TIMEOUT: {
    meaning: 'A limit was reached; `limit` names it, `limitMs` and `elapsedMs` say how long.',
    hint: 'raise the limit if the peer is merely slow',
  },
  ERR_SSH_PROBE_TIMEOUT: {
    meaning: 'A probe asked for by `keepalive.send()` was not answered in time. The connection is not judged by it.',
    hint: 'look at `liveness` for what the connection itself knows',
  },
  ERR_SSH_PEER_DEAD: {
    meaning: 'The peer gave no sign of life for the whole keepalive bound; `evidence` says what was seen.',
    hint: 'the host, its sshd, or the path to it is gone: connect again once it is back',
  },
  ERR_SSH_CONNECTION_LOST: {
    meaning: 'The connection ended without a goodbye: it was reset, or the peer closed the stream.',
    hint: 'see `cause`, where there is one, for what the operating system reported; without one the peer closed it: look in its log',
  },
  ERR_SSH_DISCONNECTED: {
    meaning: 'The peer ended the connection with a DISCONNECT message, whose reason is in the text.',
    hint: 'the reason comes from the peer: look in its log',
  },
  ERR_SSH_RECONNECT: {
    meaning:
      'The connection was lost, and could not be made again within the budget of `reconnect`; `cause` is what the last attempt failed for.',
    hint: 'see `cause`; raise `reconnect.maxTime` or `reconnect.maxAttempts` where the peer may be away for longer',
  },
  ERR_SSH_CLOSED: {
    meaning: 'The client was closed here, by `close()`, while or before this call was made.',
    hint: 'finish calls before `close()`, or connect again',
  },
  ERR_SSH_ABORTED: {
    meaning: 'The AbortSignal given to the call was aborted; its reason is in `cause`.',
    hint: 'the program asked for this itself',
  },
  ERR_SSH_IDENTIFICATION: {
    meaning: 'What answers there does not identify itself as an SSH 2.0 server.',
    hint: 'check the port: the text shows how the peer introduced itself',
  },
  ERR_SSH_PROTOCOL: {
    meaning: 'The peer sent bytes that break the protocol; the text names message and field.',
    hint: 'the peer or something between is faulty or hostile; the connection was ended',
  },
  ERR_SSH_NEGOTIATION: {
    meaning: 'The two sides have no algorithm in common; the text lists both offers.',
    hint: 'name one of the peer’s algorithms in `algorithms`, or update the peer',
  },
  ERR_SSH_HOST_KEY_UNKNOWN: {
    meaning: 'The host key of the peer is not in any known_hosts file.',
    hint: 'compare the fingerprint with one from a trusted source, then add it to known_hosts, or give it in `hostKey.fingerprints`, or use `hostKey.policy: "accept-new"`',
  },
  ERR_SSH_HOST_KEY_CHANGED: {
    meaning: 'The host key differs from the one in known_hosts: the host was reinstalled, or this is another host.',
    hint: 'find out why before anything else; then remove the line that the message names',
  },
  ERR_SSH_HOST_KEY_REVOKED: {
    meaning: 'The host key is marked @revoked in known_hosts.',
    hint: 'do not connect: the key is known to be in wrong hands or retired',
  },
  ERR_SSH_HOST_KEY_REJECTED: {
    meaning:
      'The host key or certificate was rejected: by `hostKey.verify`, `hostKey.fingerprints`, or its own contents.',
    hint: 'the message says which check refused it',
  },
  ERR_SSH_HOST_KEY_SIGNATURE: {
    meaning: 'The peer could not prove that it owns its host key.',
    hint: 'something between the two ends is altering the connection, or the peer is faulty',
  },
  ERR_SSH_AUTHENTICATION: {
    meaning:
      'The peer accepted none of the ways to authenticate; the text lists what was tried and what the peer still offers.',
    hint: 'check the user name and which key or password the peer expects',
  },
  ERR_SSH_KEY: {
    meaning: 'A private key, public key or certificate could not be read; the text names file and reason.',
    hint: 'check the file with `ssh-keygen -l -f`',
  },
  ERR_SSH_PASSPHRASE: {
    meaning: 'A private key is encrypted and the passphrase is missing or wrong.',
    hint: 'give `passphrase`, or load the key into an agent',
  },
  ERR_SSH_KNOWN_HOSTS: {
    meaning: 'A known_hosts file could not be read or written, or a line of it is wrong.',
    hint: 'correct what the message names: a line, who may read or write the file, or a folder that is missing',
  },
  ERR_SSH_AGENT: {
    meaning: 'The authentication agent could not be reached or refused to sign.',
    hint: 'check SSH_AUTH_SOCK and `ssh-add -l`',
  },
  ERR_SSH_CHANNEL_OPEN: {
    meaning: 'The peer refused to open a channel; its reason is in the text.',
    hint: 'sessions may be used up (MaxSessions) or forwarding forbidden on the server',
  },
  ERR_SSH_LISTEN: {
    meaning: 'A forward could not listen on this machine; `cause` is what Node said.',
    hint: 'choose another port or path; port 0 takes any that is free',
  },
  ERR_SSH_FORWARD: {
    meaning: 'One connection through a forward broke off on the side of this machine; the forward goes on.',
    hint: 'see `cause` for what the operating system reported',
  },
  ERR_SSH_SOCKS: {
    meaning: 'A client of a dynamic forward did not speak SOCKS 4, 4a or 5, or asked for more than CONNECT.',
    hint: 'look at what is configured to use the forward as its proxy; it was told, and the forward goes on',
  },
  ERR_SSH_REQUEST_REFUSED: {
    meaning: 'The peer refused a request on an open channel or connection; the text names it.',
    hint: 'the server does not offer this, or its configuration forbids it',
  },
  ERR_SSH_CHANNEL_CLOSED: {
    meaning: 'The channel ended before the peer answered a request on it; what became of the request is not known.',
    hint: 'the peer ended the session without a word: look in its log',
  },
  ERR_SSH_EXIT: {
    meaning: 'The command ended with another exit code than 0, and `check` was asked for.',
    hint: 'look at `exitCode`, `signal` and `stderr`',
  },
  ERR_SSH_MAX_BUFFER: {
    meaning:
      'More came than `maxBuffer` allows: as the output of a command, which was ended, or as a file or directory over SFTP.',
    hint: 'raise `maxBuffer`, or take it as it comes: `spawn`, `createReadStream`, `opendir`',
  },
  ERR_SSH_STDIN: {
    meaning: 'What gave the command its input failed; the command was ended, so that it takes no part for the whole.',
    hint: 'see `cause` for what failed',
  },
  ERR_SSH_STDIN_STALLED: {
    meaning: 'The remote program did not read its input for as long as `stdinStall` allows.',
    hint: 'the program may not read input at all; the connection itself is alive',
  },
  ERR_SSH_SFTP_FAILURE: {
    meaning:
      'The SFTP server could not do what was asked for; SFTP 3 has no status that says why. `status` has its number.',
    hint: 'look at `path`: it may exist already, be no directory, not be empty, or be on a file system that is full or read-only',
  },
  ERR_SSH_SFTP_NAME: {
    meaning: 'The SFTP server gave a file a name that could lead out of its directory, or that no file can have.',
    hint: 'the server is faulty or hostile; nothing of that name was touched',
  },
  ERR_SSH_SFTP_PROTOCOL: {
    meaning: 'The SFTP server broke the protocol. The SFTP session was ended; the connection lives.',
    hint: 'the server is faulty or hostile; `client.sftp()` starts another one',
  },
  ERR_SSH_SFTP_CHANGED: {
    meaning:
      'A file changed while `get()` or `put()` transferred it. What had arrived was emptied, so that no mix is left.',
    hint: 'transfer it again once nobody writes to it',
  },
  ERR_SSH_SFTP_LOCAL: {
    meaning:
      'A file on this machine could not be read or written by `get()` or `put()`; `cause` is what `node:fs` said.',
    hint: 'look at the `code` and `path` of `cause`',
  },
  ERR_SSH_SCP_FAILURE: {
    meaning: 'The scp of the server could not do what was asked for, or ended early; the text has its own words.',
    hint: 'what it says is in the language of the server: look at `path`, its permissions, and the space on its disk',
  },
  ERR_SSH_SCP_NAME: {
    meaning:
      'The scp of the server gave a file a name that was not asked for, or that could lead out of its directory.',
    hint: 'the server is faulty or hostile; nothing of that name was touched',
  },
  ERR_SSH_SCP_PROTOCOL: {
    meaning: 'What answers on the server in the place of scp broke its protocol, and was ended; the connection lives.',
    hint: 'a login script may print something; else the server is faulty or hostile',
  },
  ERR_SSH_SCP_CHANGED: {
    meaning: 'A file changed while scp `put()` sent it. SCP cannot take back what had arrived.',
    hint: 'send it again once nobody writes to it',
  },
  ERR_SSH_SCP_LOCAL: {
    meaning:
      'A file on this machine could not be read or written by scp `get()` or `put()`; `cause` is what `node:fs` said.',
    hint: 'look at the `code` and `path` of `cause`',
  },
  ERR_SSH_PUBLICKEY_FAILURE: {
    meaning:
      'The publickey subsystem of the server (RFC 4819) would not do what it was asked for; `status` has its number.',
    hint: 'status 4 is no such key, 6 a key that is there already, 9 an attribute that the server does not know',
  },
  ERR_SSH_PUBLICKEY_PROTOCOL: {
    meaning: 'The publickey subsystem of the server broke the protocol, and was ended; the connection lives.',
    hint: 'a login script may print something; else the server is faulty or hostile',
  },
  ENOENT: {
    meaning: 'SFTP: there is no such file or directory.',
    hint: 'check `path`, or a part of it, or where a link of that name points',
  },
  EACCES: {
    meaning: 'SFTP: the user may not do this.',
    hint: 'check owner and permissions of `path`, and whether the server allows writing at all',
  },
  ENOTSUP: {
    meaning: 'SFTP: the server does not offer this.',
    hint: 'the server lacks the extension that the message names, or the operation',
  },
  ERR_SSH_INTERNAL: {
    meaning: 'Holdfast itself failed; the connection was ended, and everything that waited was told.',
    hint: 'please report this with the text of `cause`',
  },
  ERR_SSH_UNSUPPORTED: {
    meaning: 'This peer, this Node, or this operating system does not offer what was asked for.',
    hint: 'the message says what is missing',
  },
} as const satisfies Record<`ERR_SSH_${string}` | FileErrorCode, { meaning: string; hint: string }>
