/**
 * What runs in a second session to look for the processes of the first: a shell that is told by lines what to do, and
 * answers each with one line. It is a child of the sshd of this very connection, and so is each command of ours.
 */

/** A child of the connection's sshd. */
export interface Child {
  readonly pid: number
  readonly group: number
  /** When it began, on a clock of the server's own; the same process has the same for ever. '-' where it cannot be told. */
  readonly start: string
}

export interface ScriptOptions {
  /** Where the kernel shows its processes; where nothing is there, `ps` is asked. @default '/proc' */
  readonly proc?: string
}

/**
 * The command for the second session. `KILL` also reaches a group whose first process has ended, exactly: a process that
 * began before an instant at which that one still lived, and is in the group and session of its pid, was there with it,
 * since nobody can join a session later. And a pid is not given away while a group has its number.
 *
 Whatever shell the user has hands it over to `sh`, so it stands on one line,
 * without quotes, backslashes or exclamation marks inside (csh, fish).
 * @param mark stands before each line of ours, so that what a start-up file prints is not taken for one
 */
export function processScript(mark: string, { proc = '/proc' }: ScriptOptions = {}): string {
  const lines = [
    'set -f; p=$PPID;',
    // The kernel's line of a process: after its name, which may hold anything, and the last ") ".
    `look() { s=$(cat ${proc}/$1/stat 2>/dev/null); if [ -n "$s" ];`,
    'then set -- ${s##*") "}; state=$1 parent=$2 group=$3 session=$4 start=${20};',
    'else set -- $(ps -o stat= -o ppid= -o pgid= -p $1 2>/dev/null); state=$1 parent=$2 group=$3 start=-; fi;',
    '[ -n "$group" ]; };',
    `children() { cat ${proc}/$p/task/$p/children 2>/dev/null ||`,
    'ps -A -o ppid= -o pid= | while read a b; do if [ "$a" = "$p" ]; then echo $b; fi; done; };',
    // Without a process for each: a line that looks as if it were of the group is looked at properly.
    `left() { a=$1 b=$2; set +f; set -- ${proc}/[0-9]*/stat; set -f; for f in $*; do s=; { read -r s <$f; } 2>/dev/null;`,
    'case $s in *" $a $a "*) f=${f%/stat}; look ${f##*/}; case $state,$group,$session in Z*) ;;',
    '*,$a,$a) if [ "$start" -lt "$b" ] 2>/dev/null; then return 0; fi;; esac;; esac; done; return 1; };',
    `echo ${mark} ready $$;`,
    'while read verb pid at before; do case $verb in',
    'list) r=; for c in $(children); do if look $c && [ "$parent" = "$p" ];',
    'then r="$r $c,$group,$state,$start"; fi; done;',
    `echo ${mark} list$r;;`,
    'TERM|KILL) look self; now=$start;',
    // A zombie (Z) takes signals too, and nothing comes of them.
    'if look $pid && [ "$parent,$group,$start,${state#Z}" = "$p,$pid,$at,$state" ] && kill -$verb -$pid;',
    `then echo ${mark} sent $now; elif [ "$verb" = KILL ] && left $pid "$before" && kill -KILL -$pid;`,
    `then echo ${mark} sent $now; else echo ${mark} missed; fi;;`,
    'esac; done',
  ]
  return `exec sh -c '${lines.join(' ')}'`
}

/** @returns undefined when this is no list as the script writes it */
export function parseChildren(words: readonly string[]): readonly Child[] | undefined {
  const children = words.map(parseChild)
  return children.every((child) => child !== undefined) ? children : undefined
}

function parseChild(word: string): Child | undefined {
  const [, pid, group, start] = /^(\d+),(\d+),[^,]+,(\d+|-)$/.exec(word) ?? []
  if (pid === undefined || group === undefined || start === undefined) return undefined
  return { pid: Number(pid), group: Number(group), start }
}
