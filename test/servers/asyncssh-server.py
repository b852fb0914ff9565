"""A server on AsyncSSH. Its one argument is the JSON of `ServerTask` in asyncssh.ts."""

import asyncio
import json
import logging
import os
import pwd
import signal
import sys
import warnings

warnings.simplefilter('ignore')

import asyncssh  # noqa: E402


async def pump(source, sink):
    """Copies until the end, no faster than the sink takes it."""
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()


async def feed(source, stdin):
    """Copies to a program, which may stop reading when it likes."""
    try:
        await pump(source, stdin)
        stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        pass


class LocalCommand(asyncssh.SSHServerProcess):
    """Runs a command, or a shell, as the user who logged in, in a process group of its own."""

    def __init__(self):
        super().__init__(self.run, asyncssh.SFTPServer, 3, False)
        self.child = None

    async def run(self, _process):
        account = pwd.getpwnam(self.get_extra_info('username'))
        arguments = ['-c', self.command] if self.command else ['-l']
        self.child = await asyncio.create_subprocess_exec(
            account.pw_shell,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=account.pw_dir,
            env=self.environment_of(account),
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            start_new_session=True,
        )
        feeding = asyncio.create_task(feed(self.stdin, self.child.stdin))
        await asyncio.gather(pump(self.child.stdout, self.stdout), pump(self.child.stderr, self.stderr))
        self.report(await self.child.wait())
        feeding.cancel()

    def environment_of(self, account):
        own = {name: os.environ[name] for name in ('PATH', 'HOLDFAST_TEST_SERVER')}
        user = {'HOME': account.pw_dir, 'USER': account.pw_name, 'SHELL': account.pw_shell}
        return {**own, **user, **self.env}

    def report(self, status):
        if status >= 0:
            self.exit(status)
        else:
            self.exit_with_signal(signal.Signals(-status).name.removeprefix('SIG'))

    def signal_received(self, signal_name):
        self.kill_group(getattr(signal, f'SIG{signal_name}', signal.SIGTERM))

    def connection_lost(self, exc):
        self.kill_group(signal.SIGHUP)
        super().connection_lost(exc)

    def kill_group(self, number):
        if self.child is not None and self.child.returncode is None:
            os.killpg(self.child.pid, number)


class Server(asyncssh.SSHServer):
    """Lets in the users and credentials that the task names."""

    def __init__(self, task):
        self.task = task
        self.password = task['password']
        self.rounds_left = []

    def begin_auth(self, username):
        return username not in self.task['usersWithoutAuthentication']

    def password_auth_supported(self):
        return 'password' in self.task['methods']

    def validate_password(self, username, password):
        if password != self.password:
            return False
        if self.task['passwordChange'] is not None:
            raise asyncssh.PasswordChangeRequired(self.task['passwordChange'])
        return True

    def change_password(self, username, old_password, new_password):
        return old_password == self.password

    def kbdint_auth_supported(self):
        return 'keyboard-interactive' in self.task['methods']

    def get_kbdint_challenge(self, username, lang, submethods):
        self.rounds_left = list(self.task['rounds'])
        return self.challenge()

    def validate_kbdint_response(self, username, responses):
        expected = [prompt['answer'] for prompt in self.rounds_left.pop(0)['prompts']]
        if responses != expected:
            return False
        return self.challenge() if self.rounds_left else True

    def challenge(self):
        this_round = self.rounds_left[0]
        prompts = [(prompt['text'], prompt['echo']) for prompt in this_round['prompts']]
        return this_round['name'], this_round['instructions'], '', prompts

    def session_requested(self):
        return LocalCommand()

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        return True

    def server_requested(self, listen_host, listen_port):
        return True


async def main():
    task = json.loads(sys.argv[1])
    asyncssh.set_log_level('DEBUG')
    asyncssh.set_debug_level(task['debugLevel'])
    await asyncssh.listen(
        '127.0.0.1',
        task['port'],
        server_factory=lambda: Server(task),
        server_host_keys=[tuple(key) for key in task['hostKeys']],
        authorized_client_keys=task['authorizedKeys'],
        public_key_auth='publickey' in task['methods'],
        encoding=None,
        **task['config'],
    )
    await asyncio.get_running_loop().create_future()


logging.basicConfig(stream=sys.stderr, format='%(message)s')
asyncio.run(main())
