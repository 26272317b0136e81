{{/* The release's name, where it says what this is; else with the chart's. */}}
{{- define "exporter.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" (.Release.Name | trunc 18 | trimSuffix "-") .Chart.Name -}}
{{- end -}}
{{- end -}}

{{/* Of the pods and of all that looks for them. */}}
{{- define "exporter.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "exporter.labels" -}}
{{ include "exporter.selector" . }}
{{ include "exporter.common" . }}
{{- end -}}

{{- define "exporter.common" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Of what leads to the pods, but is not to be scraped again. */}}
{{- define "exporter.partLabels" -}}
app.kubernetes.io/part-of: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{ include "exporter.common" . }}
{{- end -}}

{{- define "exporter.image" -}}
{{- .Values.image.repository -}}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end -}}

{{- define "exporter.secretName" -}}
{{- .Values.secret.name | default (include "exporter.fullname" .) -}}
{{- end -}}

{{- define "exporter.configMapName" -}}
{{- .Values.existingConfigMap | default (include "exporter.fullname" .) -}}
{{- end -}}

{{- define "exporter.scheme" -}}
{{- ternary "https" "http" .Values.web.tls -}}
{{- end -}}

{{/* The configuration, with the store that the values name. */}}
{{- define "exporter.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- with .Values.store.postgresql.urlKey -}}
{{- $_ := set $config "storage" (dict "url_file" (printf "/etc/error-budget-exporter-secrets/%s" .)) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{- define "exporter.probe" -}}
httpGet:
  path: {{ .path }}
  port: http
  {{- if .root.Values.web.tls }}
  scheme: HTTPS
  {{- end }}
{{ toYaml .timing }}
{{- end -}}

{{/* Names by which state may be changed: those given, the ingress's, and the Services' where others than this pod may. */}}
{{- define "exporter.allowedHosts" -}}
{{- $hosts := .Values.web.allowedHosts -}}
{{- if .Values.ingress.enabled }}{{ $hosts = concat $hosts .Values.ingress.hosts }}{{ end -}}
{{- if or .Values.web.configKey .Values.web.enableAdminApi -}}
{{- $hosts = append $hosts (printf "*.%s.svc" .Release.Namespace) -}}
{{- end -}}
{{- $hosts | uniq | toJson -}}
{{- end -}}
