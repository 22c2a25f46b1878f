"""A gateway as a process of its own, on the stores of its environment: prints its base URL."""

import signal

from infra.gateway import Gateway
from infra.gateway_server import GatewayServer
from infra.lifeline import leave_with_the_parent
from infra.serving import base_path
from infra.template import Template


def main() -> None:
    leave_with_the_parent()
    template, server = Template.load(), GatewayServer(0)
    server.start(Gateway.from_template(template))
    print(f"http://127.0.0.1:{server.server_port}{base_path(template)}", flush=True)
    signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    # Before any thread begins, so that none of them gets the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main()
