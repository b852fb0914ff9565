<?php
require __DIR__ . '/answers.php';

$folder = $server['folder'];
$session = logged_in();
$stranger = connected();

answer('no login', fn() => ssh2_sftp($stranger));
answer('no session', fn() => ssh2_sftp('session'));
$sftp = answer('sftp', fn() => ssh2_sftp($session));
$again = answer('sftp again', fn() => ssh2_sftp($session));
answer('another one', fn() => $again !== $sftp);

answer('a directory', fn() => ssh2_sftp_mkdir($sftp, "$folder/a"));
answer('the same directory', fn() => ssh2_sftp_mkdir($sftp, "$folder/a"));
answer('a directory in none', fn() => ssh2_sftp_mkdir($sftp, "$folder/none/a"));
answer('directories in none', fn() => ssh2_sftp_mkdir($sftp, "$folder/b/c/d", 0750, true));
answer('the same directories', fn() => ssh2_sftp_mkdir($sftp, "$folder/b/c/d", 0750, true));
answer('their modes', fn() => array_map(
    fn($name) => decoct(ssh2_sftp_stat($sftp, "$folder/$name")['mode']),
    ['a', 'b', 'b/c/d'],
));
answer('with a slash behind', fn() => ssh2_sftp_mkdir($sftp, "$folder/slash/"));
answer('a mode that is text', fn() => ssh2_sftp_mkdir($sftp, "$folder/text", 'x'));

answer('stat', fn() => ssh2_sftp_stat($sftp, "$folder/file"));
answer('stat of none', fn() => ssh2_sftp_stat($sftp, "$folder/none"));
answer('stat of an empty path', fn() => ssh2_sftp_stat($sftp, ''));
answer('stat of a list', fn() => ssh2_sftp_stat($sftp, []));
answer('stat of what is hidden', fn() => ssh2_sftp_stat($sftp, "$folder/hidden/file"));
answer('a link', fn() => ssh2_sftp_symlink($sftp, "$folder/file", "$folder/link"));
answer('the same link', fn() => ssh2_sftp_symlink($sftp, "$folder/file", "$folder/link"));
answer('a link to nothing', fn() => ssh2_sftp_symlink($sftp, 'nothing', "$folder/loose"));
answer('readlink', fn() => ssh2_sftp_readlink($sftp, "$folder/link"));
answer('readlink of a link to nothing', fn() => ssh2_sftp_readlink($sftp, "$folder/loose"));
answer('readlink of a file', fn() => ssh2_sftp_readlink($sftp, "$folder/file"));
answer('readlink of none', fn() => ssh2_sftp_readlink($sftp, "$folder/none"));
answer('stat of a link', fn() => ssh2_sftp_stat($sftp, "$folder/link"));
answer('lstat of a link', fn() => decoct(ssh2_sftp_lstat($sftp, "$folder/link")['mode']));
answer('lstat of a file', fn() => ssh2_sftp_lstat($sftp, "$folder/file"));
answer('stat of a link to nothing', fn() => ssh2_sftp_stat($sftp, "$folder/loose"));
answer('lstat of none', fn() => ssh2_sftp_lstat($sftp, "$folder/none"));
answer('realpath of a link', fn() => ssh2_sftp_realpath($sftp, "$folder/link"));
answer('realpath', fn() => ssh2_sftp_realpath($sftp, "$folder/a/../b/./c"));
answer('realpath of none', fn() => ssh2_sftp_realpath($sftp, "$folder/none"));
answer('realpath in none', fn() => ssh2_sftp_realpath($sftp, "$folder/none/none"));
answer('realpath of nothing', fn() => ssh2_sftp_realpath($sftp, '') === ssh2_sftp_realpath($sftp, '.'));

answer('chmod', fn() => [ssh2_sftp_chmod($sftp, "$folder/a", 0711), decoct(ssh2_sftp_stat($sftp, "$folder/a")['mode'])]);
answer('chmod of none', fn() => ssh2_sftp_chmod($sftp, "$folder/none", 0600));
answer('chmod of what is of root', fn() => ssh2_sftp_chmod($sftp, "$folder/file", 0600));
answer('rename', fn() => ssh2_sftp_rename($sftp, "$folder/slash", "$folder/renamed"));
answer('rename of none', fn() => ssh2_sftp_rename($sftp, "$folder/none", "$folder/other"));
answer('rename onto a file', fn() => ssh2_sftp_rename($sftp, "$folder/other", "$folder/file"));
answer('rename onto itself', fn() => ssh2_sftp_rename($sftp, "$folder/other", "$folder/other"));
answer('rmdir', fn() => ssh2_sftp_rmdir($sftp, "$folder/renamed"));
answer('rmdir of none', fn() => ssh2_sftp_rmdir($sftp, "$folder/renamed"));
answer('rmdir of a full one', fn() => ssh2_sftp_rmdir($sftp, "$folder/b"));
answer('rmdir of a file', fn() => ssh2_sftp_rmdir($sftp, "$folder/other"));
answer('unlink', fn() => ssh2_sftp_unlink($sftp, "$folder/other"));
answer('unlink of none', fn() => ssh2_sftp_unlink($sftp, "$folder/other"));
answer('unlink of a link', fn() => ssh2_sftp_unlink($sftp, "$folder/link"));
answer('unlink of a directory', fn() => ssh2_sftp_unlink($sftp, "$folder/a"));
answer('what is left', fn() => array_map(
    fn($name) => ssh2_sftp_lstat($sftp, "$folder/$name") !== false,
    ['a', 'b/c/d', 'file', 'link', 'loose', 'other', 'renamed'],
));
answer('no handle', fn() => ssh2_sftp_stat('sftp', '/'));
answer('a handle of something else', fn() => ssh2_sftp_stat($session, '/'));
