"""A llama.cpp HTTP server in a process of its own: prints its address, runs until killed.

python llamacpp_server.py MODEL.gguf SLOTS
"""

import sys
import time

import xllamacpp


def main() -> None:
    """Serve one file."""
    params = xllamacpp.CommonParams()
    params.model.path = sys.argv[1]
    params.n_parallel = int(sys.argv[2])
    params.n_ctx = 2048 * params.n_parallel
    params.n_batch = params.n_ubatch = 64
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.port = 0
    params.warmup = False
    params.ui = False
    params.verbosity = -1
    params.endpoint_metrics = True
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    time.sleep(3600)


if __name__ == "__main__":
    main()
