"""A Slurm cluster of several nodes on this machine, for trials: munged, slurmctld and a slurmd for each node.

Needs Debian's slurmctld, slurmd, slurm-client and munge. Everything lies in a folder of its own, listens on free ports and is
ended by id; an installation of Slurm beside it is neither used nor changed.
"""

import contextlib
import getpass
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONFIGURATION = """ClusterName=trial
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SchedulerParameters=batch_sched_delay=1,sched_interval=1
KillWait=5
MinJobAge=3600
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def end_by_pid_file(file):
    """Ends what wrote its number into a file, and waits for it."""
    try:
        pid = int(file.read_text())
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except OSError:
            return
        time.sleep(0.1)
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


class Cluster:
    def __init__(self, folder, nodes):
        self.folder = folder
        self.names = [f"node{index}" for index in range(nodes)]
        ports = free_ports(nodes + 1)
        host = socket.gethostname().split(".")[0]
        lines = [f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 State=UNKNOWN"
                 for name, port in zip(self.names, ports[1:])]
        (folder / "slurm.conf").write_text(CONFIGURATION.format(
            host=host, user=getpass.getuser(), folder=folder, ports=ports, nodes="\n".join(lines)))
        self.environment = dict(os.environ, SLURM_CONF=str(folder / "slurm.conf"))

    def run(self, *command):
        return subprocess.run(list(map(str, command)), env=self.environment, capture_output=True, text=True, check=True).stdout

    def tries(self, *command):
        """Whether it went well: what it is about may be over by now."""
        return subprocess.run(list(map(str, command)), env=self.environment, capture_output=True, check=False).returncode == 0

    def start(self):
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        at = {name: f"--{name}={self.folder}/munge.{end}" for name, end in
              (("key-file", "key"), ("socket", "socket"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))}
        self.run("munged", *at.values())
        (self.folder / "state").mkdir()
        self.run("slurmctld", "-c")
        for name in self.names:
            (self.folder / "spool" / name).mkdir(parents=True)
            self.run("slurmd", "-N", name)
        for _ in range(300):
            with contextlib.suppress(subprocess.CalledProcessError):
                if self.run("sinfo", "--noheader", "--format=%T %D").split() == ["idle", str(len(self.names))]:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"the nodes are not idle: see {self.folder}")

    def stop(self):
        for name in self.names:
            end_by_pid_file(self.folder / f"slurmd-{name}.pid")
        end_by_pid_file(self.folder / "slurmctld.pid")
        end_by_pid_file(self.folder / "munge.pid")


@contextlib.contextmanager
def cluster(nodes):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="zoo_slurm_"))
    folder.chmod(0o755)  # munged wants its socket to be reachable
    made = Cluster(folder, nodes)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)
