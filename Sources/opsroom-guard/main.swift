// What the guard does: starts one program and never leaves anything of it behind.

import Glibc

switch Invocation.parse(CommandLine.arguments) {
case .failure(let error):
    StandardError.write(error.message)
    exit(64)
case .success(let invocation):
    var supervisor = Supervisor(invocation)
    exit(supervisor.run())
}
