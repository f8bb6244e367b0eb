{{/* What the schema cannot say: rules between values. One message per broken rule, naming the value. */}}
{{- define "neurality.check" -}}
{{- $v := .Values -}}
{{- $bad := list -}}
{{- if not $v.publicUrl }}{{ $bad = append $bad "publicUrl: set the address that Twilio calls, such as https://voice.example.com" }}{{ end -}}
{{- if not $v.dev.livekit.enabled -}}
{{- if not $v.livekit.url }}{{ $bad = append $bad "livekit.url: set the server's address, such as wss://livekit.example.com" }}{{ end -}}
{{- if not $v.livekit.apiKey }}{{ $bad = append $bad "livekit.apiKey: set the API key" }}{{ end -}}
{{- if not $v.livekit.sipHost }}{{ $bad = append $bad "livekit.sipHost: set the SIP gateway's host, as Twilio reaches it" }}{{ end -}}
{{- end -}}
{{- $need := add (int $v.worker.drainDeadlineSecs) 15 -}}
{{- if le (int $v.worker.terminationGracePeriodSeconds) (int $need) -}}
{{- $bad = append $bad (printf "worker.terminationGracePeriodSeconds: %d cuts calls: must exceed worker.drainDeadlineSecs + 15 = %d" (int $v.worker.terminationGracePeriodSeconds) $need) -}}
{{- end -}}
{{- if lt (int $v.worker.drainDeadlineSecs) (int $v.worker.maxCallSecs) -}}
{{- $bad = append $bad (printf "worker.drainDeadlineSecs: %d is below worker.maxCallSecs = %d" (int $v.worker.drainDeadlineSecs) (int $v.worker.maxCallSecs)) -}}
{{- end -}}
{{- $need = add (int $v.gateway.preStopSecs) (int $v.gateway.dialTimeoutSecs) 15 -}}
{{- if le (int $v.gateway.terminationGracePeriodSeconds) (int $need) -}}
{{- $bad = append $bad (printf "gateway.terminationGracePeriodSeconds: must exceed gateway.preStopSecs + gateway.dialTimeoutSecs + 15 = %d" $need) -}}
{{- end -}}
{{- if ge (int $v.gateway.ringDeadlineSecs) (int $v.gateway.dialTimeoutSecs) -}}
{{- $bad = append $bad "gateway.ringDeadlineSecs: must be below gateway.dialTimeoutSecs, or Twilio gives up first" -}}
{{- end -}}
{{- if ne $v.autoscaling.mode "none" -}}
{{- if gt (int $v.autoscaling.callsPerPod) (int $v.worker.maxCalls) -}}
{{- $bad = append $bad (printf "autoscaling.callsPerPod: %d is more than a pod takes (worker.maxCalls = %d)" (int $v.autoscaling.callsPerPod) (int $v.worker.maxCalls)) -}}
{{- end -}}
{{- if lt (int $v.autoscaling.maxReplicas) (int $v.autoscaling.minReplicas) -}}
{{- $bad = append $bad "autoscaling.maxReplicas: is below autoscaling.minReplicas" -}}
{{- end -}}
{{- if and (eq $v.autoscaling.mode "keda") (not $v.autoscaling.prometheusUrl) }}{{ $bad = append $bad "autoscaling.prometheusUrl: KEDA must know whom to ask" }}{{ end -}}
{{- end -}}
{{- if and (has "azure" $v.providers.llm) (not $v.providers.azureUrl) }}{{ $bad = append $bad "providers.azureUrl: set the resource's endpoint, as providers.llm names azure" }}{{ end -}}
{{- if and (gt (len $v.redis.secretEntries) 1) (not $v.redis.cluster) }}{{ $bad = append $bad "redis.secretEntries: several URLs only make sense with redis.cluster: true" }}{{ end -}}
{{- if and (eq $v.secrets.mode "external") (not $v.secrets.external.storeName) }}{{ $bad = append $bad "secrets.external.storeName: name the store" }}{{ end -}}
{{- if and (or $v.dev.postgres.enabled $v.dev.redis.enabled $v.dev.livekit.enabled) (ne $v.secrets.mode "generate") }}{{ $bad = append $bad "secrets.mode: dev's servers need generate" }}{{ end -}}
{{- if and $v.dev.livekit.enabled (not $v.dev.redis.enabled) }}{{ $bad = append $bad "dev.livekit: needs dev.redis" }}{{ end -}}
{{- if and $v.tests.call (not (and $v.dev.livekit.enabled $v.dev.simulators.enabled $v.dev.clinics)) }}{{ $bad = append $bad "tests.call: needs dev.livekit, dev.simulators and dev.clinics" }}{{ end -}}
{{- if and $v.ingress.enabled $v.gatewayApi.enabled }}{{ $bad = append $bad "ingress.enabled: not together with gatewayApi.enabled" }}{{ end -}}
{{- if and $v.gatewayApi.enabled (not $v.gatewayApi.parentRefs) }}{{ $bad = append $bad "gatewayApi.parentRefs: name the Gateway" }}{{ end -}}
{{- if and $v.tls.certManager.enabled (not (and $v.tls.certManager.issuerName $v.tls.secretName)) }}{{ $bad = append $bad "tls.certManager: needs issuerName and tls.secretName" }}{{ end -}}
{{- if $bad }}{{ fail (printf "\n\nThese values cannot work:\n  - %s\n" (join "\n  - " $bad)) }}{{ end -}}
{{- end -}}
