<?php
require __DIR__ . '/answers.php';

['host' => $host, 'closedPort' => $closedPort, 'listenPort' => $listenPort, 'extra' => $extra] = $server;
$session = logged_in();

function waiting(mixed $stream): mixed
{
    stream_set_blocking($stream, true);
    return $stream;
}

$tunnel = answer('a tunnel', fn() => ssh2_tunnel($session, $host, $extra['greeter']));
waiting($tunnel);
answer('what it says first', fn() => fgets($tunnel));
answer('what is written', fn() => fwrite($tunnel, "ping\n"));
answer('what comes back', fn() => fgets($tunnel));
answer('no end yet', fn() => feof($tunnel));
answer('of what kind it is', fn() => array_map(
    fn($name) => stream_get_meta_data($tunnel)[$name],
    ['stream_type', 'mode', 'seekable'],
));
answer('its end', fn() => [fwrite($tunnel, "quit\n"), stream_get_contents($tunnel), feof($tunnel)]);
answer('close', fn() => fclose($tunnel));
answer('nobody listens', fn() => ssh2_tunnel($session, $host, $closedPort));
answer('a port of 0', fn() => ssh2_tunnel($session, $host, 0));
answer('a port that is text', fn() => ssh2_tunnel($session, $host, 'x'));
answer('a host that is none', fn() => ssh2_tunnel($session, [], 80));
answer('no session', fn() => ssh2_tunnel('session', $host, 80));

$stranger = connected();
answer('a tunnel before a login', fn() => ssh2_tunnel($stranger, $host, $extra['greeter']));
answer('to listen before a login', fn() => ssh2_forward_listen($stranger, $listenPort));

$listener = answer('to listen', fn() => ssh2_forward_listen($session, $listenPort, $host));
answer('to listen there again', fn() => ssh2_forward_listen($session, $listenPort, $host));
answer('where only root may', fn() => ssh2_forward_listen($session, 1, $host));
answer('anywhere', fn() => ssh2_forward_listen($session, 0, $host, 4));
answer('a port to listen that is text', fn() => ssh2_forward_listen($session, 'x'));

$caller = stream_socket_client("tcp://$host:$listenPort");
fwrite($caller, "from\n");
$accepted = answer('to accept', fn() => ssh2_forward_accept($listener));
waiting($accepted);
answer('from the caller', fn() => fgets($accepted));
answer('to the caller', fn() => [fwrite($accepted, "to\n"), fgets($caller)]);
fclose($caller);
answer('the end of the caller', fn() => [stream_get_contents($accepted), feof($accepted)]);
answer('close what was accepted', fn() => fclose($accepted));
answer('to accept of no listener', fn() => ssh2_forward_accept('listener'));
answer('to accept of a session', fn() => ssh2_forward_accept($session));

$stream = ssh2_exec($session, 'cat');
$sets = [['resource' => $stream, 'events' => SSH2_POLLIN | SSH2_POLLOUT]];
answer('to poll', function () use (&$sets) {
    $ready = ssh2_poll($sets, 1);
    return [$ready, $sets[0]['revents'] ?? null];
});
$word = 'x';
answer('to poll what is no list', fn() => ssh2_poll($word, 0));
$odd = [['resource' => $stream]];
answer('to poll for no events', fn() => ssh2_poll($odd, 0));

