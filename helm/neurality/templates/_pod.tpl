{{/* Parts of a pod that are the same for every component; all pass Pod Security `restricted`. */}}
{{- define "neurality.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- with .Values.podSecurity.runAsUser }}
  runAsUser: {{ int . }}
  runAsGroup: {{ int . }}
  {{- end }}
  {{- with .Values.podSecurity.fsGroup }}
  fsGroup: {{ int . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "neurality.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* A container of the product: root, name, role (whose configuration), args. */}}
{{- define "neurality.container" -}}
name: {{ .name }}
image: {{ include "neurality.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: {{- toJson .args | nindent 2 }}
env:
  - name: NEURALITY_CONFIG
    value: /etc/neurality/{{ .role }}.yaml
{{ include "neurality.containerSecurity" .root }}
volumeMounts:
  - name: config-{{ .role }}
    mountPath: /etc/neurality
    readOnly: true
  - name: secrets-{{ .role }}
    mountPath: /run/secrets/neurality
    readOnly: true
{{- end -}}

{{/* The volumes of that container. A role sees its own configuration and its own entries of the secret. */}}
{{- define "neurality.volumes" -}}
- name: config-{{ .role }}
  configMap:
    name: {{ .configMap | default (include "neurality.fullname" .root) }}
    items:
      - key: {{ .role }}.yaml
        path: {{ .role }}.yaml
- name: secrets-{{ .role }}
  secret:
    secretName: {{ include "neurality.secretName" .root }}
    defaultMode: 0440
    items:
      {{- range (include "neurality.entries" . | fromJsonArray) }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
{{- end -}}

{{/* Pods of one component over zones and nodes; the old and the new of a rollout each for themselves. */}}
{{- define "neurality.spread" -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels: {{- include "neurality.selector" $ | nindent 8 }}
  {{- end }}
{{- end -}}

{{- define "neurality.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A component's probes: when it has started, and whether it is ready then. */}}
{{- define "neurality.probes" -}}
startupProbe:
  httpGet: { path: {{ .started }}, port: http }
  periodSeconds: 2
  failureThreshold: 150
livenessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: {{ .ready }}, port: http }
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}

{{/* Where no operator tells Prometheus what to scrape. */}}
{{- define "neurality.podAnnotations" -}}
checksum/config: {{ include (print .root.Template.BasePath "/config.yaml") .root | sha256sum }}
{{- if .root.Values.monitoring.scrapeAnnotations }}
prometheus.io/scrape: "true"
prometheus.io/path: /metrics
prometheus.io/port: {{ .port | quote }}
{{- end }}
{{- with (index .root.Values .component "podAnnotations") }}
{{ toYaml . }}
{{- end }}
{{- end -}}
