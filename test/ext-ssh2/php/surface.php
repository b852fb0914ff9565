<?php
require __DIR__ . '/answers.php';

answer('constants', function () {
    $constants = get_defined_constants(true)['ssh2'];
    ksort($constants, SORT_STRING);
    return $constants;
});
answer('functions', function () {
    $functions = get_extension_funcs('ssh2');
    sort($functions, SORT_STRING);
    return $functions;
});
