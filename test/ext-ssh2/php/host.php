<?php
require __DIR__ . '/answers.php';

$direction = ['crypt' => 'aes256-ctr', 'mac' => 'hmac-sha2-512', 'comp' => 'none'];
$session = connected([
    'kex' => 'curve25519-sha256',
    'hostkey' => 'ssh-ed25519',
    'client_to_server' => $direction,
    'server_to_client' => $direction,
]);
answer('methods', fn() => ssh2_methods_negotiated($session));
answer('fingerprint', fn() => ssh2_fingerprint($session));
answer('MD5', fn() => ssh2_fingerprint($session, SSH2_FINGERPRINT_MD5 | SSH2_FINGERPRINT_HEX));
answer('SHA1', fn() => ssh2_fingerprint($session, SSH2_FINGERPRINT_SHA1));
answer('MD5 raw', fn() => bin2hex(ssh2_fingerprint($session, SSH2_FINGERPRINT_RAW)));
answer('SHA1 raw', fn() => bin2hex(ssh2_fingerprint($session, SSH2_FINGERPRINT_SHA1 | SSH2_FINGERPRINT_RAW)));
answer('other flags', fn() => bin2hex(ssh2_fingerprint($session, 99)));
answer('no session', fn() => ssh2_fingerprint(7));
answer('flags that are text', fn() => ssh2_fingerprint($session, 'x'));

$other = connected(['client_to_server' => ['crypt' => 'aes128-ctr'], 'server_to_client' => ['crypt' => 'aes256-ctr']]);
answer('two ciphers', fn() => array_map(fn($side) => $side['crypt'], array_slice(ssh2_methods_negotiated($other), 2)));
answer('by default', fn() => ssh2_methods_negotiated(connected()));
