{{/* The entries of the secret that a role reads, as a JSON array. */}}
{{- define "neurality.entries" -}}
{{- $v := .root.Values -}}
{{- $redis := $v.redis.secretEntries -}}
{{- $entries := list -}}
{{- if eq .role "gateway" -}}
{{- $entries = concat (list "twilio-auth-token" "livekit-api-secret" "sip-password" "postgres-url" "keys") $redis -}}
{{- if $v.twilio.rotating }}{{ $entries = append $entries "twilio-auth-token-next" }}{{ end -}}
{{- else if eq .role "worker" -}}
{{- $entries = concat (list "livekit-api-secret" "postgres-url" "keys" "deepgram-api-key") $redis -}}
{{- if has "open_ai" $v.providers.llm }}{{ $entries = append $entries "openai-api-key" }}{{ end -}}
{{- if has "azure" $v.providers.llm }}{{ $entries = append $entries "azure-api-key" }}{{ end -}}
{{- else if eq .role "migrate" -}}
{{- $entries = list "postgres-owner-url" -}}
{{- else if eq .role "provision" -}}
{{- $entries = list "livekit-api-secret" "sip-password" -}}
{{- else if eq .role "tenant" -}}
{{- $entries = list "postgres-owner-url" "keys" -}}
{{- end -}}
{{- if has .role (list "gateway" "worker" "provision") }}{{ $entries = concat $entries $v.secrets.extraEntries }}{{ end -}}
{{- toJson $entries -}}
{{- end -}}

{{- define "neurality.file" -}}
{{- dict "file" (printf "/run/secrets/neurality/%s" .) | toJson -}}
{{- end -}}

{{- define "neurality.livekitUrl" -}}
{{- .Values.livekit.url | default (printf "ws://%s-livekit:7880" (include "neurality.fullname" .)) -}}
{{- end -}}

{{- define "neurality.livekitKey" -}}
{{- .Values.livekit.apiKey | default "devkey" -}}
{{- end -}}

{{/* neurality.yaml of a role. Times that depend on each other follow the values, so that check-config finds them in order. */}}
{{- define "neurality.config" -}}
{{- $v := .root.Values -}}
{{- $role := .role -}}
{{- $entries := include "neurality.entries" . | fromJsonArray -}}
{{- $dial := int $v.gateway.dialTimeoutSecs -}}
{{- $telemetry := dict "log" $v.telemetry.log -}}
{{- with $v.telemetry.otlpEndpoint }}{{ $_ := set $telemetry "otlp_endpoint" . }}{{ end -}}
{{- $config := dict "telemetry" $telemetry -}}
{{- $postgres := dict -}}
{{- if has "postgres-url" $entries }}{{ $_ := set $postgres "url" (include "neurality.file" "postgres-url" | fromJson) }}{{ end -}}
{{- if has "postgres-owner-url" $entries }}{{ $_ := set $postgres "owner_url" (include "neurality.file" "postgres-owner-url" | fromJson) }}{{ end -}}
{{- if $postgres }}{{ $_ := set $config "postgres" $postgres }}{{ end -}}
{{- if has "keys" $entries }}{{ $_ := set $config "security" (dict "key_file" "/run/secrets/neurality/keys") }}{{ end -}}
{{- if has "livekit-api-secret" $entries -}}
{{- $livekit := dict "url" (include "neurality.livekitUrl" .root) "api_key" (include "neurality.livekitKey" .root) "api_secret" (include "neurality.file" "livekit-api-secret" | fromJson) "agent_name" $v.livekit.agentName "sip_host" ($v.livekit.sipHost | default "sip.dev.invalid") "sip_transport" $v.livekit.sipTransport "sip_username" $v.livekit.sipUsername "sip_ringing_timeout_secs" (add $dial 10) "room_empty_timeout_secs" (max 3600 (int $v.worker.maxCallSecs)) -}}
{{- if has "sip-password" $entries }}{{ $_ := set $livekit "sip_password" (include "neurality.file" "sip-password" | fromJson) }}{{ end -}}
{{- $_ := set $config "livekit" $livekit -}}
{{- $_ := set $config "gateway" (dict "listen" "0.0.0.0:8080" "public_url" $v.publicUrl "ring_deadline_secs" (int $v.gateway.ringDeadlineSecs) "dial_timeout_secs" $dial) -}}
{{- $_ := set $config "worker" (dict "listen" "0.0.0.0:8081" "max_calls" (int $v.worker.maxCalls) "max_call_secs" (int $v.worker.maxCallSecs) "drain_deadline_secs" (int $v.worker.drainDeadlineSecs) "vad_threads" (int $v.worker.vadThreads)) -}}
{{- end -}}
{{- if or (eq $role "gateway") (eq $role "worker") -}}
{{- $urls := list -}}
{{- range $v.redis.secretEntries }}{{ $urls = append $urls (include "neurality.file" . | fromJson) }}{{ end -}}
{{- $_ := set $config "redis" (dict "urls" $urls "cluster" $v.redis.cluster "slot_ttl_secs" (max 60 (mul 2 $dial))) -}}
{{- else if eq $role "provision" -}}
{{- $_ := set $config "redis" (dict "slot_ttl_secs" (max 60 (mul 2 $dial))) -}}
{{- end -}}
{{- if has "twilio-auth-token" $entries -}}
{{- $tokens := list (include "neurality.file" "twilio-auth-token" | fromJson) -}}
{{- if $v.twilio.rotating }}{{ $tokens = append $tokens (include "neurality.file" "twilio-auth-token-next" | fromJson) }}{{ end -}}
{{- $_ := set $config "twilio" (dict "auth_tokens" $tokens) -}}
{{- end -}}
{{- if eq $role "worker" }}{{ $_ := set $config "providers" (include "neurality.providers" .root | fromJson) }}{{ end -}}
{{- mergeOverwrite $config (deepCopy $v.config) | toYaml -}}
{{- end -}}

{{- define "neurality.providers" -}}
{{- $v := .Values.providers -}}
{{- $simulators := printf "%s-simulators" (include "neurality.fullname" .) -}}
{{- $deepgram := dict "api_key" (include "neurality.file" "deepgram-api-key" | fromJson) -}}
{{- $url := $v.deepgramUrl | default (ternary (printf "ws://%s:8101" $simulators) "" .Values.dev.simulators.enabled) -}}
{{- with $url }}{{ $_ := set $deepgram "base_url" . }}{{ end -}}
{{- $providers := dict "llm" $v.llm "deepgram" $deepgram "onnxruntime" "/opt/neurality/libonnxruntime.so" "silero_model" "/opt/neurality/silero_vad.onnx" -}}
{{- if has "open_ai" $v.llm -}}
{{- $openai := dict "api_key" (include "neurality.file" "openai-api-key" | fromJson) "model" $v.openaiModel -}}
{{- $url := $v.openaiUrl | default (ternary (printf "http://%s:8102/v1/" $simulators) "" .Values.dev.simulators.enabled) -}}
{{- with $url }}{{ $_ := set $openai "base_url" . }}{{ end -}}
{{- $_ := set $providers "openai" $openai -}}
{{- end -}}
{{- if has "azure" $v.llm -}}
{{- $azure := dict "api_key" (include "neurality.file" "azure-api-key" | fromJson) "base_url" $v.azureUrl "deployment" $v.azureDeployment -}}
{{- with $v.azureModel }}{{ $_ := set $azure "model" . }}{{ end -}}
{{- $_ := set $providers "azure" $azure -}}
{{- end -}}
{{- toJson $providers -}}
{{- end -}}
