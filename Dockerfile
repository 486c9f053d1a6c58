# goldfold with its environment built: docker build -t goldfold . && docker run --rm -it -v "$PWD":/goldfold goldfold
FROM python:3.11-slim AS goldfold
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make g++ \
    && rm -rf /var/lib/apt/lists/* \
    && git config --system --add safe.directory /goldfold
ENV VENV=/opt/goldfold PATH=/opt/goldfold/bin:$PATH
WORKDIR /goldfold
COPY Makefile requirements.txt constraints.txt ./
COPY environment environment
RUN make env
CMD ["make", "repro"]

# The MLflow server of docker-compose.yml.
FROM python:3.11-slim AS mlflow
COPY requirements-server.txt .
RUN pip install --no-cache-dir -r requirements-server.txt
