<?php
require __DIR__ . '/answers.php';

['username' => $username, 'password' => $password, 'keys' => $keys, 'extra' => $extra] = $server;

$session = connected();
answer('none', fn() => ssh2_auth_none($session, $username));
answer('a wrong password', fn() => ssh2_auth_password($session, $username, 'wrong'));
answer('the right one after it', fn() => ssh2_auth_password($session, $username, $password));
answer('the right one again', fn() => ssh2_auth_password($session, $username, $password));
answer('a key after it', fn() => ssh2_auth_pubkey_file($session, $username, "$keys[ed25519].pub", $keys['ed25519']));
ssh2_disconnect($session);

$stranger = connected();
answer('none of an unknown user', fn() => ssh2_auth_none($stranger, 'nobody-here'));
answer('an unknown user', fn() => ssh2_auth_password($stranger, 'nobody-here', 'wrong'));
ssh2_disconnect($stranger);

answer('no session', fn() => ssh2_auth_password('session', $username, 'wrong'));
answer('a name that is none', fn() => ssh2_auth_password(connected(), [], 'wrong'));

function with_key(string $public, string $private, ?string $passphrase = null, ?string $name = null): bool
{
    global $username;
    $session = connected();
    $name ??= $username;
    $isIn = $passphrase === null
        ? ssh2_auth_pubkey_file($session, $name, $public, $private)
        : ssh2_auth_pubkey_file($session, $name, $public, $private, $passphrase);
    ssh2_disconnect($session);
    return $isIn;
}

answer('ed25519', fn() => with_key("$keys[ed25519].pub", $keys['ed25519']));
answer('ecdsa', fn() => with_key("$keys[ecdsa].pub", $keys['ecdsa']));
answer('rsa', fn() => with_key("$keys[rsa].pub", $keys['rsa']));
answer('with a passphrase', fn() => with_key("$extra[locked].pub", $extra['locked'], $extra['passphrase']));
answer('a wrong passphrase', fn() => with_key("$extra[locked].pub", $extra['locked'], 'wrong'));
answer('a public key that is not there', fn() => with_key('/nowhere.pub', $keys['ed25519']));
answer('a private key that is not there', fn() => with_key("$keys[ed25519].pub", '/nowhere'));
answer('two halves of two keys', fn() => with_key("$keys[ed25519].pub", $keys['ecdsa']));
answer('a key that is none', fn() => with_key("$keys[ed25519].pub", '/etc/hostname'));
answer('a key of an unknown user', fn() => with_key("$keys[ed25519].pub", $keys['ed25519'], null, 'nobody-here'));

$session = connected();
$host = [$username, 'nowhere.invalid', "$keys[ed25519].pub", $keys['ed25519']];
answer('hostbased', fn() => ssh2_auth_hostbased_file($session, ...$host));
answer('hostbased for somebody else', fn() => ssh2_auth_hostbased_file($session, ...$host, passphrase: '', local_username: 'x'));
ssh2_disconnect($session);

function with_agent(string $socket): bool
{
    global $username;
    putenv($socket === '' ? 'SSH_AUTH_SOCK' : "SSH_AUTH_SOCK=$socket");
    $session = connected();
    $isIn = ssh2_auth_agent($session, $username);
    ssh2_disconnect($session);
    return $isIn;
}

answer('no agent', fn() => with_agent(''));
answer('an agent', fn() => with_agent($extra['agent']));
answer('an agent without a key', fn() => with_agent($extra['emptyAgent']));
answer('an agent with a key of somebody else', fn() => with_agent($extra['strangersAgent']));

$hung = connected();
answer('wrong until the server hangs up', fn() => array_map(
    fn() => ssh2_auth_password($hung, $username, 'wrong'),
    range(1, 9),
));
