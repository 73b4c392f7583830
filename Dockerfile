# The server, as README.md's "Serve it" does: install the extra, start it. Not root; it writes
# nothing, so run it with a read-only file system:
#   docker build -t fkd . && docker run --read-only -p 8000:8000 fkd
FROM python:3.11-slim
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY fkd ./fkd
RUN pip install --no-cache-dir '.[serve]' && rm -rf /src && useradd --no-create-home fkd
WORKDIR /
USER fkd
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD \
  ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# Asked for as localhost; for another name: docker run ... fkd --allow-host faces.example.org
ENTRYPOINT ["fkd", "serve", "--host", "0.0.0.0", "--port", "8000"]
