<?php
require __DIR__ . '/answers.php';

// Where a server has the subsystem, 1.3.1 does not wait for its answers: all but the beginning is false, or luck.
$session = logged_in();
$stranger = connected();
answer('a server without it', fn() => ssh2_publickey_init($session));
answer('no session', fn() => ssh2_publickey_init('session'));
answer('no login', fn() => ssh2_publickey_init($stranger));
answer('to list', fn() => ssh2_publickey_list('pkey'));
answer('to add', fn() => ssh2_publickey_add('pkey', 'ssh-rsa', 'blob'));
answer('to remove', fn() => ssh2_publickey_remove('pkey', 'ssh-rsa', 'blob'));
answer('a handle of something else', fn() => ssh2_publickey_list($session));
