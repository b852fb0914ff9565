<?php
require __DIR__ . '/answers.php';

['host' => $host, 'port' => $port] = $server;

$session = answer('connect', fn() => connected());
answer('nobody listens', fn() => ssh2_connect($host, $server['closedPort']));
answer('a port that is none', fn() => ssh2_connect($host, 70000));
answer('a port that is text', fn() => ssh2_connect($host, 'ssh'));
answer('methods that are text', fn() => ssh2_connect($host, $port, 'x'));
answer('unknown key exchange', fn() => connected(['kex' => 'no-such']));
answer('unknown host key', fn() => connected(['hostkey' => 'no-such']));
answer('unknown cipher', fn() => connected(['client_to_server' => ['crypt' => 'no-such']]));
answer('unknown mac', fn() => connected(['server_to_client' => ['mac' => 'no-such']]));
answer('unknown compression', fn() => connected(['client_to_server' => ['comp' => 'no-such']]));
answer('an unknown list', fn() => connected(['no-such' => 'x']));
answer('some unknown', fn() => connected(['kex' => 'no-such,curve25519-sha256']));
answer('callbacks', fn() => ssh2_connect($host, $port, null, [
    'disconnect' => fn() => null, 'debug' => fn() => null, 'ignore' => fn() => null, 'no-such' => 1,
]));
answer('a callback for macerror', fn() => ssh2_connect($host, $port, null, ['macerror' => fn() => true]));
answer('a callback that is none', fn() => ssh2_connect($host, $port, null, ['disconnect' => 'no_such_function']));
answer('disconnect', fn() => ssh2_disconnect($session));
answer('a second time', fn() => ssh2_disconnect($session));
answer('disconnect what is no session', fn() => ssh2_disconnect('session'));
