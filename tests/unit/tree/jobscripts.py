"""The batch scripts with stand-ins for mpirun and the batch system: wall time and restart keys reach the program, the
signal is passed on, exit code 75 puts the job back, other codes come through."""
import os
import signal
import stat
import subprocess
import tempfile
import time

import _tree

MPIRUN = """#!/bin/bash
echo "$@" >>"$RECORD/mpirun"
[ -n "$EXIT_AT_ONCE" ] && exit "$EXIT_AT_ONCE"
trap 'exit 75' USR1
echo up >"$RECORD/up"
for _ in $(seq 200); do sleep 0.05; done
exit 9
"""
RECORDER = '#!/bin/bash\necho "$@" >>"$RECORD/%s"\n'
faults = []


def expect(condition, what):
    if not condition:
        faults.append(what)


def record(folder, name):
    path = os.path.join(folder, name)
    return open(path, encoding="utf-8").read() if os.path.exists(path) else ""


def job(script, arguments, extra, send=None):
    """Exit status and what the stand-ins saw."""
    with tempfile.TemporaryDirectory() as folder:
        stand_ins = {"mpirun": MPIRUN, "scontrol": RECORDER % "scontrol", "qsub": RECORDER % "qsub",
                     "squeue": "#!/bin/bash\necho 1-02:00:08\n",
                     "qstat": "#!/bin/bash\necho '    Resource_List.walltime = 00:10:09'\n"}
        seen = folder + "/seen"
        os.makedirs(seen)
        os.makedirs(folder + "/build/bin")
        for name, text in {**stand_ins, "build/bin/windbridge": "#!/bin/bash\n"}.items():
            with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
                f.write(text)
            os.chmod(os.path.join(folder, name), stat.S_IRWXU)
        environment = {**os.environ, "PATH": folder + ":" + os.environ["PATH"], "RECORD": seen, "WB_HOME": folder,
                       "SLURM_JOB_ID": "41", "PBS_JOBID": "41.host", **extra}
        process = subprocess.Popen(["bash", os.path.join(_tree.ROOT, "jobscripts", script), *arguments],
                                   env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if send:
            for _ in range(200):
                if record(seen, "up"):
                    break
                time.sleep(0.05)
            process.send_signal(send)
        status = process.wait(timeout=60)
        return status, {name: record(seen, name) for name in ("mpirun", "scontrol", "qsub")}


status, seen = job("forecast.slurm", ["d.yaml", "-sr_members", "3"], {}, signal.SIGUSR1)
expect(status == 0, f"slurm, signalled: status {status}")
expect("forecast d.yaml -sr_members 3 -run_walltime_s 93458" in seen["mpirun"], f"slurm: mpirun {seen['mpirun']}")
expect("-run_restart" not in seen["mpirun"], "slurm: restart asked in a first run")
expect(seen["scontrol"] == "requeue 41\n", f"slurm: scontrol {seen['scontrol']}")
status, seen = job("forecast.slurm", ["d.yaml"], {"EXIT_AT_ONCE": "4", "SLURM_RESTART_COUNT": "1"})
expect(status == 4, f"slurm, failed run: status {status}")
expect("-run_restart" in seen["mpirun"] and not seen["scontrol"], f"slurm, second run: {seen}")
status, seen = job("forecast.slurm", [], {})
expect(status == 2 and not seen["mpirun"], "slurm without a deck")

status, seen = job("forecast.pbs", [], {"DECK": "d.yaml", "OPTIONS": "-sr_members 3"}, signal.SIGTERM)
expect(status == 0, f"pbs, signalled: status {status}")
expect("forecast d.yaml -sr_members 3 -run_walltime_s 459" in seen["mpirun"], f"pbs: mpirun {seen['mpirun']}")
expect("WB_RESTART=1" in seen["qsub"] and "DECK=d.yaml" in seen["qsub"], f"pbs: qsub {seen['qsub']}")
status, seen = job("forecast.pbs", [], {"DECK": "d.yaml", "EXIT_AT_ONCE": "3", "WB_RESTART": "1"})
expect(status == 3 and "-run_restart" in seen["mpirun"] and not seen["qsub"], f"pbs, failed run: {status} {seen}")
status, seen = job("forecast.pbs", [], {"DECK": ""})
expect(status == 2, "pbs without a deck")
_tree.finish(faults, 6)
