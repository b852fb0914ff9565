<?php
require __DIR__ . '/answers.php';

$session = connected();
answer('a wrong password', fn() => ssh2_auth_password($session, $server['username'], 'wrong'));
answer('the right one after it', fn() => ssh2_auth_password($session, $server['username'], $server['password']));
answer('the right one again', fn() => ssh2_auth_password($session, $server['username'], $server['password']));
ssh2_disconnect($session);

$stranger = connected();
answer('an unknown user', fn() => ssh2_auth_password($stranger, 'nobody-here', 'wrong'));
ssh2_disconnect($stranger);

answer('no session', fn() => ssh2_auth_password('session', $server['username'], 'wrong'));
