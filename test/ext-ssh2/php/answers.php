<?php
// What PHP's functions answer, as JSON on standard output: the value of each call and what PHP warned of meanwhile.
// The server of the test comes as JSON on standard input.
$server = json_decode(stream_get_contents(STDIN), true);
$answers = [];
$warnings = [];

set_error_handler(function (int $level, string $message): bool {
    global $warnings;
    // Also called for what an @ keeps quiet.
    if ((error_reporting() & $level) !== 0) $warnings[] = $message;
    return true;
});

register_shutdown_function(function (): void {
    global $answers;
    echo json_encode($answers, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
});

function answer(string $label, callable $call): mixed
{
    global $answers, $warnings;
    $warnings = [];
    $value = null;
    try {
        $value = $call();
        $told = is_resource($value) ? 'resource(' . get_resource_type($value) . ')' : $value;
    } catch (Error $error) {
        $told = get_class($error) . ': ' . $error->getMessage();
    }
    $answers[$label] = ['value' => $told, 'warnings' => $warnings];
    return $value;
}

function connected(?array $methods = null): mixed
{
    global $server;
    return ssh2_connect($server['host'], $server['port'], $methods);
}

function logged_in(): mixed
{
    global $server;
    $session = connected();
    ssh2_auth_password($session, $server['username'], $server['password']);
    return $session;
}

/** PHP says 0 until it has come, which may be behind the end of the stream, and which it takes in with what comes for others. */
function later_status(mixed $session, mixed $stream): int
{
    stream_set_blocking($stream, true);
    stream_get_contents($stream);
    for ($turns = 0; $turns < 20; $turns++) {
        $status = stream_get_meta_data($stream)['exit_status'];
        if ($status !== 0) return $status;
        $other = ssh2_exec($session, 'true');
        stream_set_blocking($other, true);
        stream_get_contents($other);
    }
    return 0;
}
