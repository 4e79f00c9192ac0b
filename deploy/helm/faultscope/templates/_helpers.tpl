{{- define "faultscope.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "faultscope.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "faultscope.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "faultscope.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "faultscope.eventsName" -}}
{{ include "faultscope.fullname" . }}-events
{{- end }}

{{- define "faultscope.selectorLabels" -}}
app.kubernetes.io/name: {{ include "faultscope.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "faultscope.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "faultscope.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "faultscope.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}
{{- end }}

{{- define "faultscope.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "faultscope.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "faultscope.eventsServiceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ include "faultscope.serviceAccount" . }}-events
{{- else -}}
{{ include "faultscope.serviceAccount" . }}
{{- end }}
{{- end }}

{{- define "faultscope.priorityClass" -}}
{{- if .Values.priorityClass.create -}}
{{ default (include "faultscope.fullname" .) .Values.priorityClass.name }}
{{- else -}}
{{ .Values.priorityClass.name }}
{{- end }}
{{- end }}

{{- /* "yes" if this node's pods are watched. */ -}}
{{- define "faultscope.metadata" -}}
{{- if hasKey (default dict .Values.config.kubernetes) "metadata" }}yes{{ end }}
{{- end }}

{{- /* What every configuration of this chart has in common, as YAML: what the user says, and what goes with how it is mounted. */ -}}
{{- define "faultscope.config" -}}
{{- $own := dict "state_dir" "/var/lib/faultscope" "admin" (dict "listen" (printf "%s:%d" .Values.admin.address (int .Values.admin.port))) }}
{{- $patterns := default list .Values.config.patterns }}
{{- /* A folder without a pack would be a mistake. */ -}}
{{- if or .Values.patterns .Values.patternConfigMaps }}
{{- $patterns = append $patterns "/etc/faultscope/patterns" }}
{{- end }}
{{- mustMergeOverwrite (deepCopy .Values.config) $own (dict "patterns" $patterns) | toYaml }}
{{- end }}

{{- /* The configuration of the reader of cluster events: no files, and no node of which to watch the pods. */ -}}
{{- define "faultscope.eventsConfig" -}}
{{- $config := include "faultscope.config" . | fromYaml }}
{{- $lease := dict "name" (include "faultscope.eventsName" .) "namespace" "${POD_NAMESPACE}" "identity" "${POD_NAME}" }}
{{- $events := dict "namespaces" .Values.clusterEvents.namespaces "lease" $lease }}
{{- $_ := set $config "sources" (dict "files" (dict "include" list) "kubernetes_events" $events) }}
{{- omit $config "kubernetes" | toYaml }}
{{- end }}

{{- /* A hash of what a running faultscope can't take over, so that a change of it, and of it alone, replaces the pods. */ -}}
{{- define "faultscope.restartHash" -}}
{{- pick (. | fromYaml) "state_dir" "admin" "telemetry" "limits" "kubernetes" | toYaml | sha256sum | trunc 16 }}
{{- end }}

{{- /* The container; takes a dict of the chart's root, resources, securityContext and mounts (a YAML list). */ -}}
{{- define "faultscope.container" -}}
{{- $root := .root -}}
name: faultscope # by this name its own logs are left out
image: {{ include "faultscope.image" $root }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: [run, --config, /etc/faultscope/config/faultscope.yaml, --log-format, {{ $root.Values.log.format }}]
env:
  - name: NODE_NAME
    valueFrom: { fieldRef: { fieldPath: spec.nodeName } }
  - name: POD_NAME
    valueFrom: { fieldRef: { fieldPath: metadata.name } }
  - name: POD_NAMESPACE
    valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
  {{- with $root.Values.log.level }}
  - name: RUST_LOG
    value: {{ . | quote }}
  {{- end }}
  {{- with $root.Values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $root.Values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: metrics
    containerPort: {{ $root.Values.admin.port }}
    protocol: TCP
startupProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: { path: /healthz, port: metrics }
  periodSeconds: 20
  timeoutSeconds: 5
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 10
  timeoutSeconds: 5
resources:
  {{- toYaml .resources | nindent 2 }}
securityContext:
  {{- toYaml .securityContext | nindent 2 }}
volumeMounts:
  # Folders, not files of them (subPath): only so does a change of the ConfigMap arrive while it runs.
  - { name: config, mountPath: /etc/faultscope/config, readOnly: true }
  - { name: patterns, mountPath: /etc/faultscope/patterns, readOnly: true }
  - { name: state, mountPath: /var/lib/faultscope }
  {{- with .mounts }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with $root.Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* The volumes that both kinds of pod have; takes a dict of the chart's root and the ConfigMap's name. */ -}}
{{- define "faultscope.volumes" -}}
- name: config
  configMap: { name: {{ .configMap }} }
- name: patterns
  projected:
    sources:
      - configMap: { name: {{ include "faultscope.fullname" .root }}-patterns }
      {{- range .root.Values.patternConfigMaps }}
      - configMap: { name: {{ . }} }
      {{- end }}
{{- with .root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
