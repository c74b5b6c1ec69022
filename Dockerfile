# syntax=docker/dockerfile:1
# Millrace with Java and all libraries. Targets: millrace (the default), airflow (with the DAGs, in its own environment).

FROM python:3.11.13-slim-bookworm AS build
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH MILLRACE_JARS=/opt/jars
WORKDIR /src
COPY requirements/bootstrap.txt requirements/runtime.txt requirements/
# pyspark comes as source: setuptools is installed from its own lock first, and nothing unlocked is fetched to build.
RUN pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
    && pip install --no-cache-dir --require-hashes --no-build-isolation -r requirements/runtime.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && cd / && python -m adapters.machine.jars kafka spark

FROM python:3.11.13-slim-bookworm AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless procps \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 millrace \
    && useradd --uid 10001 --gid millrace --create-home millrace \
    && install --directory --owner=millrace --group=millrace --mode=0700 /var/lib/millrace \
    && install --directory --owner=millrace --group=millrace /var/lib/millrace/lake /keys /opt/numba
COPY --from=build /opt/venv /opt/venv
COPY --from=build --chown=10001:10001 /opt/jars /opt/jars
ENV PATH=/opt/venv/bin:$PATH MILLRACE_JARS=/opt/jars MILLRACE_HOME=/var/lib/millrace OPENBLAS_NUM_THREADS=1 \
    PYTHONUNBUFFERED=1 PYSPARK_PYTHON=/opt/venv/bin/python

FROM base AS airflow
COPY requirements/airflow.txt /opt/airflow/
RUN python -m venv /opt/airflow/venv \
    && /opt/airflow/venv/bin/pip install --no-cache-dir --require-hashes -r /opt/airflow/airflow.txt \
    && install --directory --owner=millrace --group=millrace /opt/airflow/home
COPY dags /opt/airflow/dags
ENV AIRFLOW_HOME=/opt/airflow/home AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/dags AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW_VAR_MILLRACE_COMMAND=/opt/venv/bin/millrace AIRFLOW_VAR_MILLRACE_FOLDER=/var/lib/millrace
LABEL org.opencontainers.image.title="Millrace with Airflow" org.opencontainers.image.licenses="Apache-2.0"
USER 10001:10001
WORKDIR /opt/airflow/home
EXPOSE 8080
ENTRYPOINT ["/opt/airflow/venv/bin/airflow"]
CMD ["standalone"]

FROM base AS millrace
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Millrace" \
    org.opencontainers.image.description="A streaming recommender whose every answer can be proved exact" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
COPY --chmod=0755 deploy/docker/entrypoint.sh /usr/local/bin/millrace-entrypoint
USER 10001:10001
# Compiles for the processor of the machine that builds; another one compiles at its first start.
RUN python -m millrace.running.compiling
WORKDIR /var/lib/millrace
VOLUME /var/lib/millrace
EXPOSE 8080 9100
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health', timeout=4)"]
ENTRYPOINT ["millrace-entrypoint"]
# At any address but loopback the API asks for keys: make one first with `millrace keys create`.
CMD ["up", "--host", "0.0.0.0"]
