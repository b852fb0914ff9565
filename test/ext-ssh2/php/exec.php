<?php
require __DIR__ . '/answers.php';

$session = logged_in();

function exec_outcome(mixed ...$args): array
{
    global $session;
    $stream = ssh2_exec($session, ...$args);
    stream_set_blocking($stream, true);
    $err = ssh2_fetch_stream($stream, SSH2_STREAM_STDERR);
    stream_set_blocking($err, true);
    return ['out' => stream_get_contents($stream), 'err' => stream_get_contents($err)];
}

function status_of(string $command): int
{
    global $session;
    return later_status($session, ssh2_exec($session, $command));
}

answer('a stream', fn() => ssh2_exec($session, 'true'));
answer('both outputs', fn() => exec_outcome('echo out; echo err >&2'));
answer('an exit status', fn() => status_of('exit 3'));
answer('no such command', fn() => status_of('no-such-command 2>/dev/null'));
answer('killed', fn() => status_of('kill -9 $$'));
answer('a variable', fn() => exec_outcome('echo $LC_FOO', null, ['LC_FOO' => 'bar']));
answer('a variable that the server does not take', fn() => exec_outcome('echo "[$FOO]"', null, ['FOO' => 'bar']));
answer('a variable by number', fn() => exec_outcome('echo hi', null, ['bar']));
answer('a variable of PHP 4', fn() => exec_outcome('echo $LC_FOO', ['LC_FOO' => 'bar']));
answer('variables that are text', fn() => ssh2_exec($session, 'true', null, 'x'));
answer('a terminal', fn() => exec_outcome('stty size; echo $TERM; echo err >&2', 'xterm'));
answer('of a size', fn() => exec_outcome('stty size', 'xterm', null, 100, 40));
answer('of a size in pixels', fn() => exec_outcome('stty size', 'xterm', null, 640, 480, SSH2_TERM_UNIT_PIXELS));
answer('a command that is a list', fn() => ssh2_exec($session, ['true']));
answer('no session', fn() => ssh2_exec('session', 'true'));

$one = ssh2_exec($session, 'cat');
$two = ssh2_exec($session, 'cat');
stream_set_blocking($one, true);
stream_set_blocking($two, true);
fwrite($two, "two\n");
fwrite($one, "one\n");
answer('two at once', fn() => [fgets($one), fgets($two)]);

$stranger = connected();
answer('before a login', fn() => ssh2_exec($stranger, 'true'));
answer('a shell before a login', fn() => ssh2_shell($stranger));

function shell_outcome(mixed ...$args): array
{
    global $session;
    $shell = ssh2_shell($session, ...$args);
    stream_set_blocking($shell, true);
    $written = fwrite($shell, "echo \"m\$((1+1))k \$TERM \$(stty size) \$LC_FOO.\"; exit 5\n");
    preg_match('/m2k .*\./', stream_get_contents($shell), $match);
    return [$written, $match[0], feof($shell), later_status($session, $shell)];
}

answer('a shell', fn() => shell_outcome());
answer('a shell of a kind and size', fn() => shell_outcome('xterm', ['LC_FOO' => 'bar'], 100, 40, SSH2_TERM_UNIT_CHARS));
answer('a kind that is a list', fn() => ssh2_shell($session, []));
answer('disconnect', fn() => ssh2_disconnect($session));
