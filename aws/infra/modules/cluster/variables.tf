variable "name" {
  description = "Name of the cluster, and first part of every name."
  type        = string
}

variable "place" {
  description = "Region, account and partition."
  type        = object({ region = string, account = string, partition = string })
}

variable "kubernetes_version" {
  description = "Version of EKS."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets of the nodes."
  type        = list(string)
}

variable "public_subnet_ids" {
  description = "Subnets of the load balancer."
  type        = list(string)
}

variable "public_cidrs" {
  description = "Address blocks that reach the Kubernetes API from the internet; empty = none."
  type        = set(string)
}

variable "secrets_key_arn" {
  description = "KMS key of Kubernetes secrets."
  type        = string
}

variable "logs_key_arn" {
  description = "KMS key of log groups."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which logs of the control plane are kept."
  type        = number
}

variable "addon_versions" {
  description = "EKS add-ons and their versions."
  type        = map(string)
}

variable "addon_role_arns" {
  description = "Roles of add-ons, by add-on."
  type        = map(string)
}

variable "admin_arns" {
  description = "IAM roles or users that administer the cluster."
  type        = set(string)
}

variable "ci_enabled" {
  description = "Whether there is a CI role."
  type        = bool
}

variable "ci_role_arn" {
  description = "Role of the CI service, which may edit the namespace."
  type        = string
}

variable "namespace" {
  description = "Namespace that the CI role may edit."
  type        = string
}

variable "serving_nodes" {
  description = "On-demand nodes for the inference server."
  type        = object({ instance_types = list(string), min = number, desired = number, max = number })
}

variable "job_nodes" {
  description = "Spot nodes for jobs."
  type        = object({ instance_types = list(string), max = number })
}

variable "tags" {
  description = "Tags of what Auto Scaling makes."
  type        = map(string)
}
