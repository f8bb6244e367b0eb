{{/* Names and labels. */}}
{{- define "neurality.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "neurality.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "neurality.name" . -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "neurality.selector" -}}
app.kubernetes.io/name: {{ include "neurality.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Without versions: a new chart that changes nothing of a pod shall not replace it. */}}
{{- define "neurality.podLabels" -}}
{{ include "neurality.selector" . }}
app.kubernetes.io/part-of: neurality
{{- end -}}

{{- define "neurality.labels" -}}
{{ include "neurality.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: neurality
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "neurality.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "neurality.host" -}}
{{- (urlParse .Values.publicUrl).host | splitList ":" | first -}}
{{- end -}}

{{- define "neurality.secretName" -}}
{{- ternary .Values.secrets.existingName (include "neurality.fullname" .) (eq .Values.secrets.mode "existing") -}}
{{- end -}}

{{/* The first install's migration comes after the pods where the database or the secret comes with the release. */}}
{{- define "neurality.migrateHook" -}}
{{- $late := or .Values.dev.postgres.enabled (ne .Values.secrets.mode "existing") -}}
{{- if eq .Values.migrate.when "before-install" }}{{ $late = false }}{{ end -}}
{{- if eq .Values.migrate.when "after-install" }}{{ $late = true }}{{ end -}}
{{- ternary "post-install,pre-upgrade" "pre-install,pre-upgrade" $late -}}
{{- end -}}

{{- define "neurality.priorityClass" -}}
{{- $own := index .root.Values .component "priorityClassName" -}}
{{- if $own -}}{{ $own }}
{{- else if .root.Values.priorityClasses.create -}}{{ include "neurality.fullname" .root }}-{{ .component }}
{{- end -}}
{{- end -}}

{{/* What single out this release's gateways in Prometheus. */}}
{{- define "neurality.metricSelector" -}}
{{- .Values.autoscaling.metricSelector | default (printf "namespace=%q" .Release.Namespace) -}}
{{- end -}}
