<?php
require __DIR__ . '/answers.php';

['folder' => $folder] = $server;
$session = logged_in();
$stranger = connected();

/** Of a file of the folder: permissions, size and what is in it. */
function found(string $name): array
{
    global $folder;
    clearstatcache();
    return [decoct(fileperms("$folder/$name") & 0777), filesize("$folder/$name"), md5_file("$folder/$name")];
}

/** PHP does not wait until the server has the file, and the scp there still writes: until no more of it runs here. */
function sent(string $name): array
{
    $isBusy = fn() => array_filter(glob('/proc/[0-9]*/cmdline'), function ($file) use ($name) {
        global $folder;
        $words = explode("\0", (string) @file_get_contents($file));
        return basename($words[0]) === 'scp' && in_array("$folder/$name", $words);
    });
    for ($turns = 0; $turns < 500 && $isBusy() !== []; $turns++) usleep(10000);
    return found($name);
}

answer('send', fn() => [ssh2_scp_send($session, "$folder/local", "$folder/sent"), sent('sent')]);
answer('send with a mode', fn() => [ssh2_scp_send($session, "$folder/local", "$folder/mode", 0600), sent('mode')]);
answer('send onto a file', fn() => [ssh2_scp_send($session, "$folder/empty", "$folder/mode", 0644), sent('mode')]);
answer('send an empty file', fn() => [ssh2_scp_send($session, "$folder/empty", "$folder/none"), sent('none')]);
answer('send to a name with a space', fn() => [ssh2_scp_send($session, "$folder/local", "$folder/a b"), sent('a b')]);
answer('send what is not there', fn() => ssh2_scp_send($session, "$folder/nothing", "$folder/x"));
answer('send to where nothing is', fn() => ssh2_scp_send($session, "$folder/local", "$folder/nothing/x"));
answer('send a directory', fn() => ssh2_scp_send($session, $folder, "$folder/x"));
answer('send a list', fn() => ssh2_scp_send($session, [], "$folder/x"));
answer('send with a mode that is text', fn() => ssh2_scp_send($session, "$folder/local", "$folder/x", 'x'));
answer('send without a login', fn() => ssh2_scp_send($stranger, "$folder/local", "$folder/x"));

answer('receive', fn() => [ssh2_scp_recv($session, "$folder/local", "$folder/got"), found('got')]);
answer('receive an empty file', fn() => [ssh2_scp_recv($session, "$folder/empty", "$folder/void"), found('void')]);
answer('receive a name with a space', fn() => [ssh2_scp_recv($session, "$folder/a b", "$folder/b a"), found('b a')]);
answer('receive onto a file', fn() => [ssh2_scp_recv($session, "$folder/empty", "$folder/got"), found('got')]);
answer('receive what is not there', fn() => ssh2_scp_recv($session, "$folder/nothing", "$folder/y"));
answer('nothing is made of it', fn() => file_exists("$folder/y"));
answer('receive to where nothing is', fn() => ssh2_scp_recv($session, "$folder/local", "$folder/nothing/y"));
answer('receive a directory', fn() => ssh2_scp_recv($session, $folder, "$folder/y"));
answer('receive what is hidden', fn() => ssh2_scp_recv($session, "$folder/hidden/file", "$folder/y"));
answer('receive without a login', fn() => ssh2_scp_recv($stranger, "$folder/local", "$folder/y"));
answer('receive of no session', fn() => ssh2_scp_recv('session', "$folder/local", "$folder/y"));
answer('the session goes on', fn() => [ssh2_scp_recv($session, "$folder/local", "$folder/last"), found('last')]);
