<?php
require __DIR__ . '/answers.php';

$session = logged_in();

function running(string $command): mixed
{
    global $session;
    $stream = ssh2_exec($session, $command);
    stream_set_blocking($stream, true);
    return $stream;
}

function meta(mixed $stream, string ...$names): array
{
    return array_intersect_key(stream_get_meta_data($stream), array_flip($names));
}

$kind = ['stream_type', 'mode', 'seekable', 'blocked', 'timed_out', 'unread_bytes'];

$cat = running('cat; echo done; exit 4');
answer('write', fn() => fwrite($cat, "hello\n"));
answer('not at the end', fn() => feof($cat));
answer('status while it runs', fn() => meta($cat, 'exit_status'));
answer('end of the input', fn() => ssh2_send_eof($cat));
answer('read', fn() => stream_get_contents($cat));
answer('status', fn() => later_status($session, $cat));
answer('meta data', fn() => array_map(fn($name) => stream_get_meta_data($cat)[$name], $kind));
answer('at the end', fn() => feof($cat));
answer('read at the end', fn() => fread($cat, 10));
answer('a line at the end', fn() => fgets($cat));
answer('write behind the end', fn() => fwrite($cat, 'x'));
answer('end of the input again', fn() => ssh2_send_eof($cat));
answer('close', fn() => fclose($cat));
answer('end of the input of what is closed', fn() => ssh2_send_eof($cat));

$cat = running('cat; echo tail');
answer('write behind the end of the input', fn() => [
    fwrite($cat, "one\n"), ssh2_send_eof($cat), fwrite($cat, "two\n"), stream_get_contents($cat),
]);

$all = running('printf abcdef');
answer('all of it by -1', fn() => stream_get_contents($all, -1));
$lines = running("printf 'abc\\ndef\\n'; exec cat");
answer('contents of no bytes', fn() => stream_get_contents($lines, 0));
answer('contents of less than all', fn() => stream_get_contents($lines, -2));
answer('a read of no bytes', fn() => fread($lines, 0));
answer('a read of less', fn() => fread($lines, -1));
answer('a line of no bytes', fn() => fgets($lines, 0));
answer('a line of less', fn() => fgets($lines, -1));
answer('a line of one', fn() => fgets($lines, 1));
answer('what those left', fn() => [fgets($lines), fgets($lines)]);

$lines = running("printf 'one\\ntwo\\nthree'");
answer('lines', fn() => [fgets($lines), fgets($lines, 3), fgets($lines), fgets($lines), fgets($lines)]);

$pieces = running('echo abcdef');
answer('pieces', fn() => [fread($pieces, 2), stream_get_contents($pieces, 2), stream_get_contents($pieces)]);
answer('meta data by default', fn() => meta(ssh2_exec($session, 'true'), 'blocked'));

answer('read without having been told to wait', fn() => fread(ssh2_exec($session, 'sleep 1; echo late'), 10));
$silent = running('cat');
answer('without waiting', function () use ($silent) {
    stream_set_blocking($silent, false);
    return [fread($silent, 10), meta($silent, 'blocked')];
});
answer('a limit', fn() => [stream_set_blocking($silent, true), stream_set_timeout($silent, 0, 300000)]);
answer('read up to a limit', fn() => fread($silent, 10));
answer('not at the end after a limit', fn() => feof($silent));

$outputs = running('echo out; echo err >&2');
answer('standard output', fn() => ssh2_fetch_stream($outputs, SSH2_STREAM_STDIO));
answer('standard error', fn() => ssh2_fetch_stream($outputs, SSH2_STREAM_STDERR));
answer('a stream less than none', fn() => ssh2_fetch_stream($outputs, -1));
answer('a seventh stream', fn() => ssh2_fetch_stream($outputs, 7));
answer('of what is no stream', fn() => ssh2_fetch_stream('stream', SSH2_STREAM_STDERR));

$file = fopen('/etc/hostname', 'r');
answer('of a file', fn() => ssh2_fetch_stream($file, SSH2_STREAM_STDERR));
answer('end of the input of a file', fn() => ssh2_send_eof($file));

answer('much', fn() => strlen(stream_get_contents(running('head -c 3000000 /dev/zero'))));
answer('much error first', function () {
    $stream = running('head -c 1000000 /dev/zero >&2; echo ok');
    $err = ssh2_fetch_stream($stream, SSH2_STREAM_STDERR);
    stream_set_blocking($err, true);
    return [strlen(stream_get_contents($err)), stream_get_contents($stream)];
});
answer('much written', function () {
    $stream = running('wc -c');
    $written = fwrite($stream, str_repeat('x', 1000000));
    ssh2_send_eof($stream);
    return [$written, trim(stream_get_contents($stream))];
});
