# Millrace with Java and all libraries, for docker-compose.yml or a cluster of your own.
FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends openjdk-17-jre-headless procps \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/millrace
COPY requirements/bootstrap.txt requirements/runtime.txt requirements/
# pyspark comes as source: setuptools is installed from its own lock first, and nothing unlocked is fetched to build.
RUN pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
    && pip install --no-cache-dir --require-hashes --no-build-isolation -r requirements/runtime.txt
ENV MILLRACE_JARS=/opt/millrace/jars MILLRACE_HOME=/var/lib/millrace OPENBLAS_NUM_THREADS=1
COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && python -m adapters.machine.jars kafka spark \
    && useradd --system --create-home millrace \
    && install --directory --owner=millrace /var/lib/millrace
USER millrace
WORKDIR /var/lib/millrace
VOLUME /var/lib/millrace
EXPOSE 8080
ENTRYPOINT ["millrace"]
CMD ["up", "--host", "0.0.0.0"]
