<?php
require __DIR__ . '/answers.php';

['host' => $host, 'port' => $port, 'username' => $username, 'password' => $password, 'keys' => $keys] = $server;
['folder' => $folder, 'closedPort' => $closedPort, 'extra' => $extra] = $server;
$session = logged_in();
$login = "$username:$password@$host:$port";

function read_url(string $url, array $options = []): mixed
{
    $stream = fopen($url, 'r', false, stream_context_create(['ssh2' => $options]));
    if ($stream === false) return false;
    stream_set_blocking($stream, true);
    return stream_get_contents($stream);
}

function first_line(string $url): mixed
{
    $stream = fopen($url, 'r');
    if ($stream === false) return false;
    stream_set_blocking($stream, true);
    return fgets($stream);
}

answer('exec', fn() => read_url("ssh2.exec://$session/echo hi"));
answer('exec up to a ?', fn() => read_url("ssh2.exec://$session/echo a?b"));
answer('exec of what is coded', fn() => read_url("ssh2.exec://$session/echo a%20b"));
answer('exec with a variable', fn() => read_url("ssh2.exec://$session/echo \$LC_FOO", ['env' => ['LC_FOO' => 'bar']]));
answer('exec with a terminal', fn() => read_url("ssh2.exec://$session/stty size", [
    'term' => 'xterm', 'term_width' => 100, 'term_height' => 40,
]));
answer('exec with a login', fn() => read_url("ssh2.exec://$login/id -un"));
answer('exec with a wrong login', fn() => read_url("ssh2.exec://$username:wrong@$host:$port/id -un"));
answer('exec without a user', fn() => read_url("ssh2.exec://$host:$port/id -un"));
answer('exec where nobody listens', fn() => read_url("ssh2.exec://$username:$password@$host:$closedPort/id -un"));
answer('exec with a key', fn() => read_url("ssh2.exec://$host:$port/id -un", [
    'username' => $username, 'pubkey_file' => "$keys[ed25519].pub", 'privkey_file' => $keys['ed25519'],
]));
answer('exec of nothing', fn() => read_url("ssh2.exec://$session"));
answer('exec written to', function () use ($session) {
    $stream = fopen("ssh2.exec://$session/cat", 'r+');
    stream_set_blocking($stream, true);
    fwrite($stream, 'abc');
    ssh2_send_eof($stream);
    return stream_get_contents($stream);
});
answer('no such wrapper', fn() => fopen("ssh2.none://$session/x", 'r'));

answer('shell', function () use ($session) {
    $shell = fopen("ssh2.shell://$session//", 'r+');
    stream_set_blocking($shell, true);
    fwrite($shell, "echo \"m\$((1+1))k \$TERM \$(stty size).\"; exit 5\n");
    preg_match('/m2k .*\./', stream_get_contents($shell), $match);
    return $match[0];
});

answer('tunnel', fn() => first_line("ssh2.tunnel://$session/$host:$extra[greeter]"));
answer('tunnel with a login', fn() => first_line("ssh2.tunnel://$login/$host:$extra[greeter]"));
answer('tunnel to where nobody listens', fn() => first_line("ssh2.tunnel://$session/$host:$closedPort"));
answer('tunnel without a port', fn() => first_line("ssh2.tunnel://$session/$host"));

answer('scp of what is not there', fn() => read_url("ssh2.scp://$session$folder/nothing"));
answer('scp to write', fn() => fopen("ssh2.scp://$session$folder/x", 'w'));
answer('scp with a login', function () use ($login, $folder) {
    $stream = fopen("ssh2.scp://$login$folder/file", 'r');
    stream_set_blocking($stream, true);
    // To its end it would wait for ever.
    return fread($stream, 5);
});

$sftp = ssh2_sftp($session);
$at = fn(string $name) => "ssh2.sftp://" . intval($sftp) . "$folder/$name";
$file = fn(string $name, string $mode, callable $work) => ($stream = fopen($at($name), $mode)) === false ? false : $work($stream);
$content = function (string $name) use ($folder) {
    clearstatcache();
    return file_exists("$folder/$name") ? file_get_contents("$folder/$name") : null;
};
answer('sftp r', fn() => $file('file', 'r', fn($f) => [stream_get_contents($f), feof($f), fclose($f)]));
answer('sftp r of none', fn() => $file('none', 'r', fn($f) => true));
answer('sftp rb', fn() => $file('file', 'rb', fn($f) => fread($f, 5)));
answer('sftp pieces', fn() => $file('file', 'r', fn($f) => [fread($f, 2), ftell($f), fgets($f), feof($f)]));
answer('sftp seek', fn() => $file('file', 'r', fn($f) => [
    fseek($f, 4), fread($f, 2), ftell($f), fseek($f, 2, SEEK_CUR), fread($f, 1), fseek($f, -2, SEEK_END), fread($f, 9),
]));
answer('sftp rewind', fn() => $file('file', 'r', fn($f) => [fread($f, 3), rewind($f), fread($f, 3), fseek($f, -1)]));
answer('sftp meta data', fn() => $file('file', 'r', fn($f) => array_map(
    fn($name) => stream_get_meta_data($f)[$name],
    ['stream_type', 'mode', 'seekable', 'timed_out'],
)));
answer('a directory', fn() => scandir(dirname($at('file'))));
answer('backwards', fn() => scandir(dirname($at('file')), SCANDIR_SORT_DESCENDING));
answer('a directory that is none', fn() => scandir($at('none')));
answer('a file for a directory', fn() => scandir($at('file')));
answer('sftp w', fn() => $file('w', 'w', fn($f) => [fwrite($f, 'abc'), fwrite($f, 'def'), fclose($f), $content('w')]));
answer('sftp w of what is there', fn() => $file('w', 'w', fn($f) => [fclose($f), $content('w')]));
answer('sftp w in none', fn() => $file('none/w', 'w', fn($f) => true));
answer('sftp w+', fn() => $file('w', 'w+', fn($f) => [fwrite($f, 'new'), rewind($f), fread($f, 9), fclose($f)]));
answer('sftp r+', fn() => $file('w', 'r+', fn($f) => [fread($f, 1), fwrite($f, 'X'), fclose($f), $content('w')]));
answer('sftp x', fn() => $file('x', 'x', fn($f) => [fwrite($f, 'x'), fclose($f), $content('x')]));
answer('sftp x of what is there', fn() => $file('x', 'x', fn($f) => true));
answer('sftp a', fn() => $file('w', 'a', fn($f) => [fwrite($f, '!'), fclose($f), $content('w')]));
answer('sftp a of none', fn() => $file('a', 'a', fn($f) => [fwrite($f, '!'), fclose($f), $content('a')]));
answer('sftp c', fn() => $file('c', 'c', fn($f) => true));
answer('sftp r written to', fn() => $file('file', 'r', fn($f) => fwrite($f, 'x')));
answer('sftp w read', fn() => $file('x', 'w', fn($f) => fread($f, 1)));
answer('sftp mode of a new file', fn() => decoct(fileperms("$folder/x") & 0777));
answer('sftp with a login', fn() => read_url("ssh2.sftp://$login$folder/file"));
answer('disconnect', fn() => ssh2_disconnect($session));
