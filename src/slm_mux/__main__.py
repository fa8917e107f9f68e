"""`python -m slm_mux` is the command line."""

from slm_mux.cli import main

if __name__ == "__main__":
    main()
