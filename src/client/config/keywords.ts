/** A keyword of ssh_config that is set for a host and that Holdfast does not do, or not as it is written. */
export interface IgnoredKeyword {
  /** In lower case, as `ssh -G` prints it: `gssapiauthentication`. */
  readonly keyword: string
  readonly value: string
  readonly why: string
}

/** What these say is done by `options.ts`, which tells itself of what it cannot do. */
export const honoured: ReadonlySet<string> = new Set([
  'addressfamily',
  'bindaddress',
  'bindinterface',
  'certificatefile',
  'channeltimeout',
  'ciphers',
  'connectionattempts',
  'connecttimeout',
  'forwardagent',
  'globalknownhostsfile',
  'hostkeyalgorithms',
  'hostkeyalias',
  'hostname',
  'identitiesonly',
  'identityagent',
  'identityfile',
  'kexalgorithms',
  'macs',
  'port',
  'proxycommand',
  'proxyjump',
  'pubkeyacceptedalgorithms',
  'pubkeyauthentication',
  'rekeylimit',
  'sendenv',
  'serveralivecountmax',
  'serveraliveinterval',
  'setenv',
  'stricthostkeychecking',
  'tcpkeepalive',
  'updatehostkeys',
  'user',
  'userknownhostsfile',
])

/** These have done their work in `ssh -G`, or are about a terminal, a log or the process of ssh itself. */
export const withoutMeaning: ReadonlySet<string> = new Set([
  'batchmode',
  'canonicaldomains',
  'canonicalizefallbacklocal',
  'canonicalizehostname',
  'canonicalizemaxdots',
  'canonicalizepermittedcnames',
  'controlmaster',
  'controlpath',
  'controlpersist',
  'enableescapecommandline',
  'escapechar',
  'exitonforwardfailure',
  'fingerprinthash',
  'forkafterauthentication',
  'gatewayports',
  'host',
  'ignoreunknown',
  'localcommand',
  'loglevel',
  'logverbose',
  'numberofpasswordprompts',
  'obscurekeystroketiming',
  'permitlocalcommand',
  'requesttty',
  'sessiontype',
  'stdinnull',
  'streamlocalbindmask',
  'streamlocalbindunlink',
  'syslogfacility',
  'tag',
  'versionaddendum',
  'visualhostkey',
  'xauthlocation',
  'forwardx11timeout',
  'forwardx11trusted',
])

/** With these ssh would refuse, or keep back, what Holdfast does not: whoever wrote them must hear of it. */
export const protective: ReadonlySet<string> = new Set([
  'casignaturealgorithms',
  'kbdinteractiveauthentication',
  'passwordauthentication',
  'preferredauthentications',
  'proxyusefdpass',
  'requiredrsasize',
  'revokedhostkeys',
])
