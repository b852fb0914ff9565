<?php
require __DIR__ . '/answers.php';

$session = answer('connect', fn() => connected());
answer('nobody listens', fn() => ssh2_connect($server['host'], $server['closedPort']));
answer('a port that is text', fn() => ssh2_connect($server['host'], 'ssh'));
answer('disconnect', fn() => ssh2_disconnect($session));
answer('disconnect what is no session', fn() => ssh2_disconnect('session'));
