#!/bin/bash
# One build on one GPU node. A job that is cut short by its time limit, or by a job that is worth more, goes on when it is
# submitted again:
#   sbatch deploy/slurm.sh recipes/basque-vllm.yaml
# The environment with Iturri is .venv, or what VENV names.
#SBATCH --job-name=iturri
#SBATCH --output=iturri-%j.log
#SBATCH --open-mode=append
#SBATCH --nodes=1
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
set -euo pipefail

recipe=${1:?a recipe}
# shellcheck source=/dev/null
source "${VENV:-.venv}/bin/activate"
# The ledger wants a disk of the node or a filesystem with working locks, which this tells.
iturri doctor
# exec: the signal before the time limit reaches the build itself, which then ends cleanly.
exec iturri build "$recipe"
