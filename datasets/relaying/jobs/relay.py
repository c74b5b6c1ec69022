"""The relay as a job: ``spark-submit --py-files millrace.zip datasets/relaying/jobs/relay.py TOPIC… --mapping M``.

It runs in the driver's process alone, as ``millrace relay`` does, and asks Spark for nothing: a cluster that starts and
restarts its programs by spark-submit can run it beside the other jobs. Several share the work by ``--member``.
"""

from datasets.relaying.cli import relay

if __name__ == "__main__":
    relay(prog_name="relay")
